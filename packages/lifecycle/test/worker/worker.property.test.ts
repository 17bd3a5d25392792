// Random operations on one worker whose hooks do anything: invariants 1, 2, 9, 10, 12, 14, 15 and 22.

import fc from "fast-check";
import { expect, it } from "vitest";
import { BEHAVIOURS } from "./behaviour.ts";
import { type Action, type HookPlan, Life, type Plan } from "./life.ts";

const RUNS = Number(process.env.WK_WORKER_RUNS ?? 300);

const index = fc.nat(9);
const operation = fc.record({
  do: fc.constantFrom("start" as const, "start" as const, "drain" as const, "stop" as const),
  abortable: fc.boolean(),
});
const said = fc.oneof(
  fc.record({
    do: fc.constantFrom("setReady" as const, "setAcceptingWork" as const),
    claim: fc.boolean(),
    pick: index,
  }),
  fc.record({ do: fc.constantFrom("reportFailure" as const, "requestStop" as const), pick: index }),
);
const work = fc.oneof(
  fc.record({ do: fc.constant("admit" as const) }),
  fc.record({ do: fc.constantFrom("release" as const, "abort" as const), pick: index }),
);
const everything = fc.oneof(
  fc.record({ do: fc.constantFrom("startAll" as const, "stopAll" as const) }),
  fc.record({ do: fc.constant("shutdown" as const), timeoutMs: fc.integer({ min: 0, max: 900 }) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: operation },
  { weight: 4, arbitrary: said },
  { weight: 4, arbitrary: work },
  { weight: 1, arbitrary: everything },
);

const hook: fc.Arbitrary<HookPlan> = fc.record({
  behaviour: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("returns" as const, "succeeds" as const) },
    { weight: 2, arbitrary: fc.constantFrom(...BEHAVIOURS) },
  ),
  inside: fc.option(action, { nil: undefined, freq: 5 }),
  onAbort: fc.option(
    fc.record({ of: fc.constantFrom("signal" as const, "draining" as const), action }),
    { nil: undefined, freq: 5 },
  ),
});
const limit = (max: number) => fc.oneof(fc.integer({ min: 0, max }), fc.constant(max));
const plan: fc.Arbitrary<Plan> = fc.record({
  startTimeoutMs: limit(300),
  stopTimeoutMs: limit(300),
  drainTimeoutMs: limit(200),
  graceMs: limit(100),
  startAttempts: fc.integer({ min: 1, max: 3 }),
  restarts: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  hasDrain: fc.boolean(),
  hooks: fc.array(hook, { minLength: 1, maxLength: 12 }),
});
const step = fc.record({
  actions: fc.array(action, { minLength: 1, maxLength: 4 }),
  thenMs: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 3_000 }),
  ),
});
const steps = fc.array(step, { minLength: 3, maxLength: 25, size: "max" });

/** How often each thing was reached in all runs. */
const reached = new Map<string, number>();

function note(life: Life): void {
  const seen = new Set<string>();
  for (const event of life.rig.events) {
    for (const what of [
      "abandoned start",
      "abandoned drain",
      "abandoned stop",
      "abandoned cleanup",
      "abandoned lease",
      "RESTARTS_EXHAUSTED",
      "CLEANUP_FAILED",
      "restarting > stopping",
      "start aborted",
    ]) {
      if (event.includes(what)) seen.add(what);
    }
  }
  for (const outcome of life.outcomes) {
    for (const what of ["INTERRUPTED", "INVALID_WORKER_STATE", "enough", "TIMEOUT"]) {
      if (outcome.endsWith(what)) seen.add(what);
    }
  }
  for (const what of seen) reached.set(what, (reached.get(what) ?? 0) + 1);
}

it("a worker keeps its invariants under any operations, whatever its hooks do", {
  timeout: 60_000 + 100 * RUNS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(plan, steps, async (given, list) => {
      const life = new Life(given);
      for (const { actions, thenMs } of list) {
        for (const each of actions) life.perform(each);
        await life.rig.clock.flush();
        life.check();
        if (thenMs > 0) await life.rig.clock.advance(thenMs);
        await life.rig.clock.flush();
        life.check();
      }
      await life.end();
      note(life);
    }),
    { numRuns: RUNS },
  );
  const often = [
    "abandoned start",
    "abandoned stop",
    "abandoned lease",
    "RESTARTS_EXHAUSTED",
    "INTERRUPTED",
    "INVALID_WORKER_STATE",
    "enough",
    "restarting > stopping",
  ];
  for (const what of often)
    expect(reached.get(what) ?? 0, `${what} was reached`).toBeGreaterThan(0);
});
