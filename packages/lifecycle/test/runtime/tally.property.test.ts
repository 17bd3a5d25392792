import type { WorkerState } from "@workerkit/contracts";
import {
  type FailurePolicy,
  type ReadinessPolicy,
  TRANSITIONS,
  type WorkerPolicy,
} from "@workerkit/lifecycle";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runtimeReady, runtimeState } from "../../src/runtime/tally.ts";
import { type Crew, crew, part } from "./crew.ts";
import { type NaiveWorker, naiveReady, naiveState } from "./naive.ts";

const STATES = Object.keys(TRANSITIONS) as WorkerState[];
const FAILURE_POLICIES: readonly FailurePolicy[] = [
  "isolate",
  "mark-runtime-unready",
  "fail-runtime",
];
const READINESS_POLICIES: readonly ReadinessPolicy[] = ["contributing-workers", "all-workers"];

const anyWorkers = fc.array(
  fc.record({
    state: fc.constantFrom(...STATES),
    ready: fc.boolean(),
    failurePolicy: fc.constantFrom(...FAILURE_POLICIES),
    contributes: fc.boolean(),
    counts: fc.boolean(),
  }),
  { maxLength: 6 },
);

/** The numbers that the pure functions decide by. */
const countsOf = (workers: readonly NaiveWorker[], policy: ReadinessPolicy, closed: boolean) => {
  const number = (which: (worker: NaiveWorker) => boolean) => workers.filter(which).length;
  const failed = (policies: readonly FailurePolicy[]) =>
    number((w) => w.state === "failed" && policies.includes(w.failurePolicy));
  return {
    inState: Object.fromEntries(
      STATES.map((state) => [state, number((w) => w.state === state)]),
    ) as Record<WorkerState, number>,
    runtimeFailing: failed(["fail-runtime"]),
    markingUnready: failed(["fail-runtime", "mark-runtime-unready"]),
    blocking: number(
      (w) =>
        w.counts &&
        (w.contributes || policy === "all-workers") &&
        !(w.ready && w.state === "running"),
    ),
    closed,
  };
};

it("R1 R2 state and readiness are pure functions, equal to their definitions", () => {
  fc.assert(
    fc.property(
      anyWorkers,
      fc.constantFrom(...READINESS_POLICIES),
      fc.boolean(),
      (workers, policy, closed) => {
        const counts = countsOf(workers, policy, closed);
        expect(runtimeState(counts)).toBe(naiveState(workers));
        expect(runtimeReady(counts)).toBe(naiveReady(workers, policy, closed));
      },
    ),
    { numRuns: 2_000 },
  );
});

const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];

/** What the plain model knows beside what status shows. */
interface Known {
  readonly policies: Record<
    Name,
    Required<Pick<WorkerPolicy, "failurePolicy" | "contributesToReadiness">>
  >;
  readonly counts: Set<Name>;
  closed: boolean;
}

const ACTS = [
  "start",
  "stop",
  "drain",
  "fail",
  "ready",
  "unready",
  "unregister",
  "register",
] as const;

const anyStep = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...ACTS), fc.constantFrom(...NAMES)) },
  { weight: 2, arbitrary: fc.constantFrom(["startAll"] as const, ["stopAll"] as const) },
);

const expectDefinition = (it: Crew, known: Known, policy: ReadinessPolicy) => {
  const workers = it.runtime.workers().map(({ localName, state, ready }) => {
    const { failurePolicy, contributesToReadiness } = known.policies[localName as Name];
    return {
      ...{ state, ready, failurePolicy, contributes: contributesToReadiness },
      counts: known.counts.has(localName as Name),
    } as NaiveWorker;
  });
  const { state, ready, notReadyBecause } = it.runtime.status();
  expect(state).toBe(naiveState(workers));
  expect(ready).toBe(naiveReady(workers, policy, known.closed));
  expect(notReadyBecause).toEqual(
    it.runtime
      .workers()
      .filter((_, index) => {
        const w = workers[index] as NaiveWorker;
        const waitedFor = w.counts && (w.contributes || policy === "all-workers");
        return waitedFor && !(w.state === "running" && w.ready);
      })
      .map(({ localName, state, ready }) => ({ worker: localName, state, ready })),
  );
};

/** The runtime's own events tell of every change, and of nothing else. */
const expectTold = (it: Crew) => {
  let state = "registered";
  let ready = false;
  for (const [name, event] of it.heard) {
    if (name === "runtime:transition") {
      expect(event.from).toBe(state);
      expect(event.to).not.toBe(state);
      state = event.to;
    } else if (name === "runtime:readiness") {
      expect(event.ready).not.toBe(ready);
      ready = event.ready;
    }
  }
  expect({ state, ready }).toEqual({
    state: it.runtime.status().state,
    ready: it.runtime.status().ready,
  });
};

async function take(it: Crew, known: Known, [act, name]: readonly [string, Name?]): Promise<void> {
  const { runtime } = it;
  const ignore = () => {};
  if (act === "startAll") {
    for (const { localName } of runtime.workers()) known.counts.add(localName as Name);
    if (runtime.workers().length > 0) known.closed = false;
    await runtime.startAll({ rollback: false }).catch(ignore);
    return;
  }
  if (act === "stopAll") {
    known.closed = true;
    return runtime.stopAll().catch(ignore);
  }
  if (name === undefined) return;
  const state = it.state(name);
  if (act === "register" && state === undefined) {
    runtime.register(
      part(name, { ...known.policies[name], start: (ctx) => contexts.set(name, ctx) }),
    );
  }
  if (state === undefined) return;
  if (act === "start") {
    if (state !== "running" && state !== "draining") {
      known.counts.add(name);
      known.closed = false;
    }
    await runtime.start(name).catch(ignore);
  }
  if (act === "stop") await runtime.stop(name).catch(ignore);
  if (act === "drain") await runtime.drain(name).catch(ignore);
  if (act === "fail") contexts.get(name)?.reportFailure(new Error("lost"));
  if (act === "ready") contexts.get(name)?.setReady(true);
  if (act === "unready") contexts.get(name)?.setReady(false);
  if (act === "unregister" && ["registered", "stopped", "failed"].includes(state)) {
    runtime.unregister(name);
    known.counts.delete(name);
  }
}

const contexts = new Map<
  Name,
  { reportFailure(e: unknown): boolean; setReady(r: boolean): boolean }
>();

describe("a runtime in use", () => {
  it("R1 R2 keeps state, readiness and what blocks it as their definitions say, step by step", async () => {
    const anyPolicies = fc.record({
      failurePolicy: fc.constantFrom(...FAILURE_POLICIES),
      contributesToReadiness: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ a: anyPolicies, b: anyPolicies, c: anyPolicies }),
        fc.constantFrom(...READINESS_POLICIES),
        fc.array(anyStep, { maxLength: 25 }),
        async (policies, readinessPolicy, steps) => {
          contexts.clear();
          const it = crew({}, { readinessPolicy });
          const known: Known = { policies, counts: new Set(), closed: false };
          for (const name of NAMES) await take(it, known, ["register", name]);
          for (const step of steps) {
            await take(it, known, step as readonly [string, Name?]);
            await it.clock.flush();
            expectDefinition(it, known, readinessPolicy);
          }
          expectTold(it);
          await it.end();
        },
      ),
      { numRuns: 150 },
    );
  });
});
