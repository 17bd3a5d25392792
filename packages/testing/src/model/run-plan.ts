// One plan from its first operation to the end: done, watched, healed, and held against what must be so in the end.

import type { WorkerDefinition } from "@workerkit/lifecycle";
import { codeOf } from "./calls.ts";
import { type InvariantId, Violation } from "./invariants.ts";
import { perform } from "./perform.ts";
import type { Plan } from "./plan.ts";
import { World } from "./world.ts";

/** How a plan went. */
export interface PlanOutcome {
  readonly violation: Violation | undefined;
  /** How many operations had been done. */
  readonly operations: number;
  readonly events: number;
  readonly log: readonly string[];
  readonly reached: ReadonlyMap<string, number>;
  /** How much time passed on the fake clock, in ms. */
  readonly fakeMs: number;
}

/** What the workers are held to beyond the invariants of the runtime. */
export interface Demands {
  readonly endsInTime: boolean;
  readonly stopsCleanly: boolean;
}

/** Runs a plan with its own workers, or with given ones. */
export async function runPlan(
  plan: Plan,
  given?: { readonly workers: readonly WorkerDefinition[]; readonly demands: Demands },
): Promise<PlanOutcome> {
  const world = new World(plan, given?.workers);
  const crash = (error: unknown) => world.fail(new Violation("no crash", codeOf(error)));
  process.on("unhandledRejection", crash);
  let operations = 0;
  try {
    for (const { definition } of world.cast) world.runtime.register(definition);
    await world.settleDown();
    let quiet = true;
    for (const { operation, pause } of plan.operations) {
      operations += 1;
      const passed = perform(world, operation, quiet);
      if (passed instanceof Promise) await passed;
      if (pause === "quiet") await world.settleDown();
      else if (pause === "microtask") await undefined;
      quiet = pause === "quiet";
      if (world.violation !== undefined) break;
    }
    if (given !== undefined) demand(world, given.demands);
    if (world.violation === undefined) await heal(world);
    if (given !== undefined) demand(world, given.demands);
  } catch (error) {
    // What the worker did says more than what could not be done with it in the end.
    if (given !== undefined) demand(world, given.demands);
    world.fail(error);
  } finally {
    process.off("unhandledRejection", crash);
  }
  const { violation, events, reached, clock } = world;
  const log = world.log.slice(0, world.logBefore);
  return { violation, operations, events, log, reached, fakeMs: clock.monotonicMs() };
}

/** 22 and 15: all code succeeds from now on, so everything settles; then it stops, starts, and is shut down. */
async function heal(world: World): Promise<void> {
  const { runtime, clock } = world;
  world.healed = true;
  for (const working of [...world.working]) working.settle(false, 0);
  for (const held of world.leases) {
    held.state = "ended";
    held.lease.release();
  }
  await world.settleDown();
  await clock.advance(HEALING_MS);
  world.look();
  const stuck = runtime.workers().find(({ state }) => TRANSIENT.has(state));
  if (stuck !== undefined) {
    throw new Violation(
      22,
      `all faults were healed long ago, and ${stuck.localName} is ${stuck.state}`,
    );
  }
  await must(world, "stop all workers", () => runtime.stopAll());
  for (const member of world.cast) {
    if (runtime.worker(member.name) === undefined) {
      world.hooks.forget(member);
      runtime.register(member.definition);
    }
  }
  world.starts += 1;
  await must(world, "start all workers", () => runtime.startAll());
  await world.settleDown();
  const { state } = runtime.status();
  if (state !== "running")
    throw new Violation(22, `everything has started, and the runtime is ${state}`);
  const report = await must(world, "shut down", () => runtime.shutdown());
  const failed = report.workers.filter(({ outcome }) => outcome !== "stopped");
  if (failed.length > 0) throw new Violation(22, `${failed[0]?.worker} failed to stop`);
  await world.settleDown();
  world.lookAtListeners();
  lookAtRemains(world);
}

/** Longer than any backoff that is drawn. */
const HEALING_MS = 120_000;
/** States that end by themselves; a drained worker waits for its stop. */
const TRANSIENT: ReadonlySet<string> = new Set(["starting", "restarting", "stopping"]);

async function must<T>(world: World, what: string, begin: () => Promise<T>): Promise<T> {
  try {
    return await world.clock.settle(begin, { withinMs: HEALING_MS });
  } catch (error) {
    if (world.violation !== undefined) throw world.violation;
    const { errors = [] } = error as { readonly errors?: readonly unknown[] };
    const inner = errors.map((one) => `${one}`).join("; ");
    throw new Violation(
      world.drawn ? 22 : "starts again",
      `all faults are healed, and it cannot ${what}: ${error} ${inner}`,
    );
  }
}

/** 15. */
function lookAtRemains(world: World): void {
  const { calls, clock } = world;
  const [open] = calls.pending;
  if (open !== undefined) {
    throw new Violation(
      15,
      `${open.name} ${open.worker ?? ""} (${open.number}) has not settled after the shutdown`,
    );
  }
  const timers = clock.pending();
  if (timers.length === 0) return;
  throw new Violation(
    world.drawn ? 15 : "starts again",
    `after the shutdown these timers are left: ${timers.map(({ label }) => label).join(", ")}`,
  );
}

/** What only given workers are held to: drawn ones are meant to misbehave. */
function demand(world: World, { endsInTime, stopsCleanly }: Demands): void {
  const said = (invariant: InvariantId, event: RegExp) => {
    const line = world.log.find((candidate) => event.test(candidate));
    if (line !== undefined) world.fail(new Violation(invariant, line));
  };
  if (endsInTime) said("ends in time", / worker:abandoned .*phase="(start|drain|stop|cleanup)"/);
  if (stopsCleanly) said("stops cleanly", / worker:failure .*phase="(stop|cleanup)"/);
}
