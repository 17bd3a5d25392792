// Doing what a plan says: each operation is asked of the runtime, after the model has said what must come of it.

import { drainBoundMs, endBoundMs, startBoundMs, stopBoundMs } from "./bounds.ts";
import type { Asked } from "./calls.ts";
import type { Member } from "./cast.ts";
import { Violation } from "./invariants.ts";
import type { Operation } from "./plan.ts";
import { type Before, type Prediction, predict, type Scenery } from "./predict.ts";
import { say } from "./say.ts";
import type { World } from "./world.ts";

type Named<Name extends Operation["do"]> = Extract<Operation, { readonly do: Name }>;

/** Does one operation; a promise only where time has to pass first. */
export function perform(world: World, operation: Operation, quiet: boolean): unknown {
  const { runtime, clock, calls, leases } = world;
  switch (operation.do) {
    case "register":
    case "unregister":
      return registry(world, operation, quiet);
    case "start":
    case "drain":
    case "stop":
      return one(world, operation, quiet);
    case "start all":
      return startAll(world, operation);
    case "drain all":
      return ask(world, operation, {}, (signal) => runtime.drainAll({ signal }));
    case "stop all":
      return stopAll(world, operation);
    case "shutdown":
      return world.shutdown(operation.timeoutMs, operation.abortAfterMs);
    case "wait idle": {
      const member = memberAt(world, operation.worker);
      if (!member || runtime.worker(member.name) === undefined) return undefined;
      return ask(world, { do: "wait idle" }, {}, () => runtime.waitIdle(member.name));
    }
    case "wait all idle":
      return ask(world, operation, {}, (signal) => runtime.waitAllIdle({ signal }));
    case "when ready":
      return ask(world, operation, {}, (signal) => runtime.whenReady({ signal }));
    case "flush": {
      const { timeoutMs } = operation;
      const boundMs = timeoutMs + 2;
      return ask(world, { do: "flush" }, { boundMs }, () => runtime.flush({ timeoutMs }));
    }
    case "abort": {
      const open = [...calls.pending].filter(
        ({ controller }) => controller?.signal.aborted === false,
      );
      const call = open[operation.call % open.length];
      if (call) calls.abort(call, quiet);
      return undefined;
    }
    case "say": {
      const lives = memberAt(world, operation.worker)?.lives ?? [];
      const ctx = lives.at(-1 - operation.back);
      if (ctx) say(world, ctx, operation.what, operation.thrown);
      return undefined;
    }
    case "release": {
      const held = leases.filter(({ state }) => state !== "ended");
      const lease = held[operation.lease % held.length];
      if (!lease) return undefined;
      lease.state = "ended";
      lease.lease.release();
      lease.lease.release(); // once more does nothing
      return undefined;
    }
    case "settle": {
      const working = [...world.working];
      working[operation.hook % working.length]?.settle(operation.fails, operation.thrown);
      return undefined;
    }
    case "advance":
      return clock.advance(operation.ms);
    case "block":
      calls.blockedMs += operation.ms;
      return clock.block(operation.ms);
    case "jump":
      return clock.jump(operation.ms);
    case "listen":
      return listen(world, operation.how);
  }
}

/** What a worker's number stands for. */
function memberAt(world: World, place: number): Member | undefined {
  return world.cast[place % world.cast.length];
}

function ask(
  world: World,
  {
    do: name,
    abortAfterMs,
  }: { readonly do: Operation["do"]; readonly abortAfterMs?: number | undefined },
  more: Omit<Asked, "name" | "abortAfterMs">,
  begin: (signal: AbortSignal | undefined) => Promise<unknown>,
): void {
  // One whose signal has aborted already asks for nothing.
  const before = abortAfterMs === 0 ? world.snapshot() : undefined;
  world.calls.make({ name, abortAfterMs, ...more }, begin);
  if (before !== undefined && before !== world.snapshot()) {
    world.fail(new Violation(16, `${name} did something for a caller who had left already`));
  }
}

function one(world: World, operation: Named<"start" | "drain" | "stop">, quiet: boolean): void {
  const { do: name, wide, abortAfterMs } = operation;
  const member = memberAt(world, operation.worker);
  if (!member) return;
  const { runtime, cast } = world;
  const { name: worker } = member;
  const known = quiet && !wide && abortAfterMs !== 0 && isIdle(world);
  const expected = known ? predict(name, worker, sceneryOf(world)) : undefined;
  const began = expected !== undefined && "becomes" in expected;
  const bounds = {
    start: began ? startBoundMs(member) : Number.POSITIVE_INFINITY,
    drain: began ? drainBoundMs(member) : Number.POSITIVE_INFINITY,
    stop: wide ? endBoundMs(cast) : stopBoundMs(member, cast),
  };
  if (name === "start") startAsked(world);
  const before = expected && !began ? world.snapshot() : undefined;
  const { acts } = world;
  const begins =
    began && name === "start" ? 1 + (runtime.worker(worker)?.generation ?? 0) : undefined;
  const more = { worker, boundMs: bounds[name], begins, alone: !wide, ...must(expected) };
  ask(world, operation, more, (signal) => {
    if (name === "start") return runtime.start(worker, { signal, dependencies: wide });
    return runtime[name](worker, { signal, dependants: wide });
  });
  if (before !== undefined && before !== world.snapshot()) {
    world.fail(
      new Violation(16, `${name} ${worker} is refused or has nothing to do, and changed something`),
    );
  }
  if (!began || world.acts !== acts) return;
  const state = runtime.worker(worker)?.state;
  if (state !== undefined && expected.becomes.includes(state)) return;
  world.fail(
    new Violation(16, `${name} ${worker} left it ${state}, not ${expected.becomes.join(" or ")}`),
  );
}

function must(expected: Prediction | undefined): Pick<Asked, "mustFailWith" | "mustDoNothing"> {
  return {
    mustFailWith: expected && "refused" in expected ? expected.refused : undefined,
    mustDoNothing: expected !== undefined && "nothing" in expected,
  };
}

/** Registering and its opposite happen in the call, so they can be told exactly at any moment. */
function registry(world: World, operation: Named<"register" | "unregister">, quiet: boolean): void {
  const member = memberAt(world, operation.worker);
  if (!member) return;
  const { runtime, counted, hooks } = world;
  const { do: name } = operation;
  const known = quiet && isIdle(world);
  const expected = known ? predict(name, member.name, sceneryOf(world)) : undefined;
  const before = world.snapshot();
  const working = hooks.working(member).size > 0;
  let code: string | undefined;
  try {
    if (name === "register") runtime.register(member.definition);
    else runtime.unregister(member.name);
    counted.delete(member.name);
    world.forget(member.name);
    if (name === "register") hooks.forget(member);
    else if (working)
      world.fail(new Violation(16, `${member.name} left while its code still runs`));
  } catch (error) {
    code = String((error as { readonly code?: unknown }).code);
    if (before !== world.snapshot()) {
      world.fail(new Violation(16, `${name} ${member.name} was refused and changed something`));
    }
  }
  const wanted = expected && "refused" in expected ? expected.refused : undefined;
  if (expected !== undefined && wanted !== code) {
    world.fail(new Violation(16, `${name} ${member.name} ended with ${code}, not with ${wanted}`));
  }
}

function startAll(world: World, operation: Named<"start all">): void {
  const { concurrency, rollback } = operation;
  startAsked(world);
  if (operation.abortAfterMs !== 0 && world.closing !== "shutdown") count(world);
  ask(world, operation, {}, (signal) => world.runtime.startAll({ concurrency, rollback, signal }));
}

/** The call that is made next asks for a start. */
function startAsked(world: World): void {
  world.starts += 1;
  world.latestStart = world.calls.made;
}

/** From the start of all of them on they count; when that begins can be told only if no other is under way. */
function count(world: World): void {
  const begins = !world.calls.busyWith(BULK) && world.closing === undefined && !world.left;
  for (const member of world.cast) {
    if (world.runtime.worker(member.name) === undefined) {
      // One may be registered before its turn comes.
      if (!begins) world.counted.set(member.name, undefined);
      continue;
    }
    const sure = begins && isWhole(world);
    if (world.counted.get(member.name) !== true) {
      world.counted.set(member.name, sure ? true : undefined);
    }
  }
}

/** Whether everything that anybody depends on is registered. */
function isWhole({ cast, runtime }: World): boolean {
  return cast.every(
    ({ name, dependsOn }) =>
      runtime.worker(name) === undefined ||
      dependsOn.every((dependency) => runtime.worker(dependency) !== undefined),
  );
}

function stopAll(world: World, operation: Named<"stop all">): void {
  const { abortAfterMs } = operation;
  // One that joins a shutdown waits for its listeners too.
  const boundMs = endBoundMs(world.cast) + world.flushMs;
  ask(world, operation, { boundMs }, (signal) => {
    const ending = world.runtime.stopAll({ signal });
    // One more call, which nobody leaves, tells when it is really over.
    if (abortAfterMs !== 0) world.end("stop all", signal ? world.runtime.stopAll() : ending);
    return ending;
  });
}

function listen({ runtime }: World, how: Named<"listen">["how"]): void {
  const listeners = {
    politely: () => {},
    throw: () => {
      throw new Error("a listener that throws");
    },
    reject: () => Promise.reject(new Error("a listener that rejects")),
    hang: () => new Promise(() => {}),
  };
  if (how === "when throws" || how === "when says no") {
    const when = () => {
      if (how === "when throws") throw new Error("a condition that throws");
      return false;
    };
    runtime.events.onAny(() => {}, { when });
  } else {
    runtime.events.onAny(listeners[how]);
  }
}

const OPERATIONS = new Set([
  "start",
  "drain",
  "stop",
  "start all",
  "drain all",
  "stop all",
  "shutdown",
] as const);
const BULK = new Set(["start all", "drain all", "stop all", "shutdown"] as const);

/** Whether no operation is under way that could have a say in the next one. */
function isIdle(world: World): boolean {
  return !world.calls.busyWith(OPERATIONS) && world.closing === undefined && !world.left;
}

function sceneryOf(world: World): Scenery {
  const statuses = new Map(world.statuses().map((status) => [status.localName, status]));
  const worker = (name: string): Before => {
    const member = world.members.get(name);
    const working = member ? [...world.hooks.working(member)] : [];
    return {
      ...{ name, status: statuses.get(name), dependsOn: member?.dependsOn ?? [] },
      strays: working.some(({ abandoned }) => abandoned),
      working: working.some(({ abandoned }) => !abandoned),
    };
  };
  const dependants = (name: string): Before[] => {
    const found = new Set<string>();
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const member of world.cast) {
        if (!member.dependsOn.includes(next) || !statuses.has(member.name)) continue;
        if (found.has(member.name) || member.name === name) continue;
        found.add(member.name);
        open.push(member.name);
      }
    }
    return [...found].map(worker);
  };
  return { closing: world.closing, worker, dependants };
}
