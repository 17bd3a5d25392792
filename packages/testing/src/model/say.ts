// What a worker says of itself, and what must come of it: an ended generation is not heard, a live one is as its state allows (L10).

import type { WorkerState } from "@workerkit/contracts";
import type { Lease, WorkerContext } from "@workerkit/lifecycle";
import type { Member } from "./cast.ts";
import { Violation } from "./invariants.ts";
import type { Saying } from "./plan.ts";
import { thrownFor } from "./thrown.ts";
import type { World } from "./world.ts";

const UP: readonly WorkerState[] = ["starting", "running"];
const UP_OR_DRAINING: readonly WorkerState[] = [...UP, "draining"];
const ALIVE: readonly WorkerState[] = [...UP_OR_DRAINING, "stopping"];

/** In which states a saying counts. */
const COUNTS: Readonly<Record<Saying, readonly WorkerState[]>> = {
  ready: UP,
  accepting: UP,
  "not ready": UP_OR_DRAINING,
  "not accepting": UP_OR_DRAINING,
  admit: UP_OR_DRAINING,
  fail: ALIVE,
  heartbeat: ALIVE,
  note: ALIVE,
  "request stop": ALIVE,
  "request shutdown": ALIVE,
};

/** Lets a worker say something through one of its contexts. */
export function say(world: World, ctx: WorkerContext<unknown>, what: Saying, thrown: number): void {
  const before = world.runtime.worker(ctx.localName);
  if (before === undefined) return;
  const live = isLive(world, ctx);
  const snapshot = live === false ? world.snapshot() : undefined;
  const { acts } = world;
  const counted = call(world, ctx, what, thrown);
  const expected = live && COUNTS[what].includes(before.state);
  if (live === undefined) return;
  // Past the cut of a stop nothing is admitted any more, and when that was cannot be seen from outside.
  if (what === "admit" && !counted && before.state === "draining") return;
  const who = `${ctx.localName}#${ctx.generation}`;
  if (counted !== expected) {
    const is = live ? before.state : "over";
    return world.fail(
      new Violation(
        9,
        `"${what}" of ${who}, which is ${is}, was ${counted ? "heard" : "not heard"}`,
      ),
    );
  }
  if (world.acts !== acts) return; // an abort listener has done something of its own
  if (snapshot === undefined) return checkEffect(world, ctx, what, before.state);
  world.reach("fenced late result");
  if (world.snapshot() !== snapshot) {
    world.fail(new Violation(9, `"${what}" of ${who}, which is over, changed something`));
  }
}

/** Whether a context is that of a generation that is not over; undefined between a failure and its notice. */
function isLive(world: World, ctx: WorkerContext<unknown>): boolean | undefined {
  const status = world.runtime.worker(ctx.localName);
  const member = world.members.get(ctx.localName);
  if (status === undefined || member === undefined || !isLatest(member, ctx)) return false;
  if (!ALIVE.includes(status.state)) return false;
  const since = status.state === "stopping" ? status.lastTransition?.from : status.state;
  if (since === "failed" || since === "restarting") return false;
  if (since !== "starting") return true;
  if (ctx.generation !== status.generation) return false;
  const { attempts } = world.hooks;
  const attempt = attempts.get(member)?.at(-1);
  if (attempt?.settled === undefined) return attempt?.abandoned ? undefined : true;
  return attempt.settled.failed ? undefined : true;
}

/** A kind may have put more on top of the context. */
function isLatest({ lives }: Member, ctx: object): boolean {
  const latest = lives.at(-1);
  return (
    latest === ctx || (latest !== undefined && Object.prototype.isPrototypeOf.call(latest, ctx))
  );
}

function call(world: World, ctx: WorkerContext<unknown>, what: Saying, thrown: number): boolean {
  switch (what) {
    case "ready":
    case "not ready":
      return ctx.setReady(what === "ready");
    case "accepting":
    case "not accepting":
      return ctx.setAcceptingWork(what === "accepting");
    case "fail":
      return ctx.reportFailure(thrownFor(thrown).value);
    case "admit":
      return hold(world, ctx);
    case "heartbeat":
      return ctx.heartbeat();
    case "note":
      return ctx.note({ noted: ctx.generation });
    case "request stop":
      return ctx.requestStop("it asked for it");
    case "request shutdown":
      return ctx.requestShutdown("it asked for it");
  }
}

function hold(world: World, ctx: WorkerContext<unknown>): boolean {
  const label = `work ${world.leases.length}`;
  const lease: Lease | undefined = ctx.admit(label);
  if (lease === undefined) return false;
  world.leases.push({ worker: ctx.localName, ctx, label, lease, state: "open" });
  return true;
}

function checkEffect(
  world: World,
  ctx: WorkerContext<unknown>,
  what: Saying,
  was: WorkerState,
): void {
  const now = world.runtime.worker(ctx.localName);
  if (now === undefined) return;
  const wrong = (problem: string) =>
    world.fail(new Violation(9, `"${what}" of ${ctx.localName}, which was ${was}: ${problem}`));
  if (
    what === "fail" &&
    was === "running" &&
    now.state !== "failed" &&
    now.state !== "restarting"
  ) {
    wrong(`it is ${now.state}`);
  }
  if (what === "fail" && was === "draining" && now.state !== "failed") wrong(`it is ${now.state}`);
  if (was !== "running" || now.state !== "running") return;
  if (what === "ready" && !now.ready) wrong("it is not ready");
  if (what === "not ready" && now.ready) wrong("it is ready");
  if (what === "accepting" && !now.acceptingWork) wrong("it does not accept work");
  if (what === "not accepting" && now.acceptingWork) wrong("it accepts work");
}
