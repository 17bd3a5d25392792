// One worker in a runtime on a fake clock: what its hooks do is the test's, and all that can be seen is written down.

import { isDeepStrictEqual } from "node:util";
import type { AnyEvent, WorkerkitEvents, WorkerState } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  defineWorker,
  type HookCall,
  type Lifecycle,
  type LifecycleOptions,
  TRANSITIONS,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerOptions,
  type WorkerStatus,
} from "@workerkit/lifecycle";
import { expect } from "vitest";

export type Hook = (ctx: WorkerContext<unknown>, call: HookCall) => unknown;

export interface RigOptions extends Omit<WorkerOptions<unknown>, "name" | "worker"> {
  /** A kind, in place of hooks. */
  readonly worker?: object;
  readonly start?: Hook;
  readonly drain?: Hook;
  readonly stop?: Hook;
  /** Workers registered before it. */
  readonly others?: readonly WorkerDefinition[];
  readonly runtimeOptions?: Partial<LifecycleOptions>;
}

/** The hooks of a kind, whatever the type of its state. */
interface KindHooks {
  readonly kind?: string;
  readonly start: Hook;
  readonly drain?: Hook;
  readonly stop: Hook;
}

export interface Rig {
  readonly clock: FakeClock;
  readonly runtime: Lifecycle;
  /** Every event of the worker and the runtime, in words. */
  readonly events: string[];
  /** Every event as it came. */
  readonly heard: AnyEvent<WorkerkitEvents>[];
  /** Every call of a hook, with the time. */
  readonly calls: string[];
  /** The contexts that the hooks were given, by hook. */
  readonly contexts: Record<"start" | "drain" | "stop", WorkerContext<unknown>[]>;
  status(): WorkerStatus;
  state(): WorkerState;
  /** The context of the last call of the start hook. */
  context(): WorkerContext<unknown>;
  /** Lets all that is due now happen, and returns the events since the last time. */
  told(): Promise<string[]>;
  /** Shuts down and checks what must hold after every test: a legal walk, a status that events tell, nothing left. */
  end(): Promise<void>;
}

/** Builds the rig; the worker is called `w`, its runtime `rt`. */
export function rig(options: RigOptions = {}): Rig {
  const { worker, others = [], runtimeOptions, ...rest } = options;
  const kind = worker as KindHooks | undefined;
  const { start = kind?.start, drain = kind?.drain, stop = kind?.stop, ...policy } = rest;
  const clock = createFakeClock({ now: 0 });
  const calls: string[] = [];
  const contexts: Rig["contexts"] = { start: [], drain: [], stop: [] };
  const wrapped =
    (name: "start" | "drain" | "stop", hook: Hook): Hook =>
    (ctx, call) => {
      calls.push(`${name} at ${clock.monotonicMs()}`);
      contexts[name].push(ctx);
      return hook(ctx, call);
    };
  const definition = defineWorker<unknown>({
    name: "w",
    ...policy,
    worker: {
      ...(kind?.kind !== undefined && { kind: kind.kind }),
      start: wrapped("start", start ?? (() => "state")),
      ...(drain && { drain: wrapped("drain", drain) }),
      stop: wrapped("stop", stop ?? (() => {})),
    },
  });
  const runtime = createLifecycle({
    name: "rt",
    clock,
    workers: [...others, definition],
    ...runtimeOptions,
  });
  const events: string[] = [];
  const heard: AnyEvent<WorkerkitEvents>[] = [];
  runtime.events.onAny((...event) => {
    heard.push(event);
    events.push(inWords(event));
  });
  let read = 0;
  const status = () => {
    const found = runtime.worker("w");
    if (found === undefined) throw new Error("the worker is gone");
    return found;
  };
  return {
    ...{ clock, runtime, events, heard, calls, contexts, status },
    state: () => status().state,
    context() {
      const last = contexts.start.at(-1);
      if (last === undefined) throw new Error("the start hook was not called");
      return last;
    },
    async told() {
      await clock.flush();
      const since = events.slice(read);
      read = events.length;
      return since;
    },
    async end() {
      await clock.settle(runtime.shutdown().catch(() => {}));
      await clock.flush();
      expect(clock.pending(), "timers left after shutdown").toEqual([]);
      for (const { localName } of runtime.workers()) checkWalk(heard, localName);
      for (const left of runtime.workers()) checkFold(heard, left);
    },
  };
}

/** An event in words: what a reader of a test wants to know of it. Other workers than `w` are named. */
export function inWords([name, event]: AnyEvent<WorkerkitEvents>): string {
  const of = "worker" in event && event.worker !== "w" ? `${event.worker} ` : "";
  switch (name) {
    case "worker:transition":
      return `${of}${event.from} > ${event.to} (${event.reason})`;
    case "worker:readiness":
      return `${of}${event.ready ? "ready" : "not ready"}`;
    case "worker:admission":
      return `${of}${event.acceptingWork ? "accepting" : "not accepting"}`;
    case "worker:failure": {
      const marks = `${event.final ? ", final" : ""}${event.panic ? ", panic" : ""}`;
      return `${of}failure in ${event.phase} ${event.attempt}: ${event.code}${marks}`;
    }
    case "worker:restart":
      return `${of}restart ${event.attempt} in ${event.delayMs}: ${event.code}`;
    case "worker:abandoned":
      return `${of}abandoned ${event.phase} "${event.label}" aged ${event.ageMs}`;
    case "runtime:transition":
      return `runtime ${event.from} > ${event.to}`;
    case "runtime:readiness":
      return `runtime ${event.ready ? "ready" : "not ready"}`;
    default:
      return `${of}${name}`;
  }
}

/** Invariant 1: the transitions of a worker are a walk through the table. */
export function checkWalk(heard: readonly AnyEvent<WorkerkitEvents>[], worker: string): void {
  let state: WorkerState = "registered";
  for (const [name, event] of heard) {
    if (name !== "worker:transition" || event.worker !== worker) continue;
    const legal = event.from === state && TRANSITIONS[state].includes(event.to);
    if (!legal) expect.fail(`${worker} was ${state} and went from ${event.from} to ${event.to}`);
    state = event.to;
  }
}

/** Invariant 2: folding the events of a worker gives its status. */
export function checkFold(heard: readonly AnyEvent<WorkerkitEvents>[], status: WorkerStatus): void {
  const { state, ready, acceptingWork, generation, restarts } = status;
  const { lastTransition, lastFailure } = status;
  const shown = { state, ready, acceptingWork, generation, restarts, lastTransition, lastFailure };
  const folded = foldOf(heard, status.localName);
  // Compared at every step of random runs, where `expect` would take most of the time.
  if (!isDeepStrictEqual(folded, shown)) expect(folded).toEqual(shown);
}

function foldOf(heard: readonly AnyEvent<WorkerkitEvents>[], worker: string) {
  let fold: Pick<
    WorkerStatus,
    "state" | "ready" | "acceptingWork" | "generation" | "restarts" | "lastTransition"
  > & { lastFailure: WorkerStatus["lastFailure"] | undefined } = {
    ...{ state: "registered", ready: false, acceptingWork: false, generation: 0, restarts: 0 },
    lastTransition: undefined,
    lastFailure: undefined,
  } as never;
  let willRestart = false;
  for (const [name, event] of heard) {
    if (!("worker" in event) || event.worker !== worker) continue;
    if (name === "worker:transition") {
      const { from, to, at, reason, generation } = event;
      // A restart is counted when it begins: the first `starting` after it was announced.
      const restarts =
        fold.restarts + (from === "restarting" && to === "starting" && willRestart ? 1 : 0);
      if (from === "restarting") willRestart = false;
      fold = { ...fold, state: to, generation, restarts, lastTransition: { from, to, at, reason } };
      if (to === "running") fold = { ...fold, lastFailure: undefined };
    } else if (name === "worker:readiness") {
      fold = { ...fold, ready: event.ready };
    } else if (name === "worker:admission") {
      fold = { ...fold, acceptingWork: event.acceptingWork };
    } else if (name === "worker:failure") {
      const { code, message, at } = event;
      fold = { ...fold, lastFailure: { code, message, at } };
    } else if (name === "worker:restart") {
      willRestart = true;
    }
  }
  return fold;
}
