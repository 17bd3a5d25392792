// L1: the tables, and that every operation in every state does what they say, whatever the hooks do meanwhile.

import { isWorkerkitError, type WorkerState } from "@workerkit/contracts";
import { OPERATIONS, TRANSITIONS, type WorkerOperation } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { BEHAVIOURS, type Behaviour, resultOf } from "./behaviour.ts";
import { watch } from "./outcome.ts";
import { fits, LIMITS, SITUATIONS, type Situation, scripted } from "./situations.ts";

const STATES = Object.keys(TRANSITIONS) as WorkerState[];
const NAMES = Object.keys(OPERATIONS) as WorkerOperation[];

describe("the tables", () => {
  it("L1 are these", () => {
    expect(TRANSITIONS).toEqual({
      registered: ["starting"],
      starting: ["running", "failed", "stopping", "restarting"],
      running: ["draining", "stopping", "failed", "restarting"],
      restarting: ["starting", "failed", "stopping"],
      draining: ["stopping", "failed"],
      stopping: ["stopped", "failed"],
      stopped: ["starting"],
      failed: ["starting", "stopping"],
    });
    const allowing = (operation: WorkerOperation) =>
      STATES.filter((state) => OPERATIONS[operation][state] !== "refused");
    // L3, S3; L7, S3; L2.
    expect(allowing("start")).toEqual(["registered", "restarting", "stopped", "failed"]);
    expect(allowing("drain")).toEqual(["running", "restarting", "draining"]);
    expect(allowing("stop")).toEqual(STATES);
  });

  it("L1 let a worker leave every state, and reach every state", () => {
    for (const state of STATES) expect(TRANSITIONS[state]).not.toEqual([]);
    const reached = new Set<WorkerState>(["registered"]);
    for (const state of reached) for (const next of TRANSITIONS[state]) reached.add(next);
    expect([...reached].sort()).toEqual([...STATES].sort());
  });
});

/** Where the worker is when the turn of an operation that waits comes. */
function atItsTurn({ name, state, running }: Situation, behaviour: Behaviour): WorkerState {
  if (running === undefined || state === "failed") return state;
  if (name === "draining") return "draining";
  if (name === "draining, to stop") return "stopped";
  const ok = resultOf(behaviour) === "ok";
  if (state === "starting") return ok ? "running" : "failed";
  if (state === "stopping") return ok ? "stopped" : "failed";
  return resultOf(behaviour) === "abandoned" ? "failed" : state; // restarting, cleaning up
}

/** What must become of an operation, told from the tables alone. */
function expected(
  operation: WorkerOperation,
  situation: Situation,
  behaviour: Behaviour,
): { readonly verdict: string; readonly end: WorkerState } {
  const { name, state, running } = situation;
  const result = running === undefined ? "ok" : resultOf(behaviour);
  if (operation === "stop") {
    if (OPERATIONS.stop[state] === "nothing") return { verdict: "done", end: state };
    // Whose stop hook runs already is stopped if that goes well.
    if (running !== "stop") return { verdict: "done", end: "stopped" };
    const failed = { verdict: "failed", end: "failed" } as const;
    if (state === "restarting") {
      return result === "abandoned" ? failed : { verdict: "done", end: "stopped" };
    }
    // It is waited for, and run again if it fails, unless it hangs on.
    if (name.endsWith("abandoned")) {
      return behaviour === "hangs" ? failed : { verdict: "done", end: "stopped" };
    }
    return result === "ok" ? { verdict: "done", end: "stopped" } : failed;
  }
  if (state === "restarting" && result === "abandoned") {
    return { verdict: "failed", end: "failed" };
  }
  const then =
    name === "starting, between two attempts" ? "running" : atItsTurn(situation, behaviour);
  const verdict = OPERATIONS[operation][then];
  switch (verdict) {
    case "refused":
      return { verdict: "refused", end: then };
    case "nothing":
      return { verdict: "done", end: then };
    case "stops":
      return { verdict: "done", end: "stopped" };
    default:
      // Abandoned code that still runs blocks a start (L9).
      if (operation === "start" && result === "abandoned") return { verdict: "refused", end: then };
      return { verdict: "done", end: operation === "start" ? "running" : "draining" };
  }
}

const cases = SITUATIONS.flatMap((situation) =>
  BEHAVIOURS.filter((behaviour) => fits(situation, behaviour)).flatMap((behaviour) =>
    NAMES.map((operation) => ({
      situation,
      behaviour,
      operation,
      title: `${operation} when ${situation.name}${situation.running ? `, its ${situation.running} hook one that ${behaviour}` : ""}`,
    })),
  ),
);

/** An operation that finds nothing ahead of it changes the state inside the call. */
const FIRST_STATE: Readonly<Record<WorkerOperation, readonly WorkerState[]>> = {
  start: ["starting"],
  drain: ["draining"],
  stop: ["draining", "stopping", "stopped"],
};

describe("every operation in every state", () => {
  it("L1 is tried in all of them", () => {
    expect(new Set(cases.map(({ situation }) => situation.state))).toEqual(new Set(STATES));
    expect(cases.length).toBeGreaterThan(150);
  });

  it.each(cases.map((each) => [each.title, each] as const))(
    "L1 %s",
    async (_, { situation, behaviour, operation }) => {
      const worker = scripted({ restarts: situation.state === "restarting" });
      await situation.reach(worker, behaviour);
      expect(worker.state()).toBe(situation.state);
      await worker.told();
      const before = worker.status();
      const { verdict, end } = expected(operation, situation, behaviour);

      const call = watch(worker.runtime[operation]("w"));
      const atOnce = worker.state();
      const busy = situation.running !== undefined || situation.name.includes("between");
      const inTable = OPERATIONS[operation][situation.state];
      if (inTable === "begins" && (!busy || operation === "stop")) {
        // Only a cleanup is waited for (S3).
        const waits = situation.name === "restarting, cleaning up";
        expect(waits ? ["restarting"] : FIRST_STATE[operation]).toContain(atOnce);
      }
      if (busy && operation !== "stop") expect(atOnce).toBe(situation.state);
      await worker.clock.flush();
      if (!busy && (inTable === "refused" || inTable === "nothing")) {
        // A refusal changes nothing observable (invariant 16).
        expect(worker.status()).toEqual(before);
        expect(await worker.told()).toEqual([]);
        expect(call.now()).not.toBe("pending");
      }
      await worker.clock.advance(20_000);

      const outcome = call.now();
      if (verdict === "refused") expect(outcome).toBe("INVALID_WORKER_STATE");
      else if (verdict === "done") expect(outcome).toBe("done");
      else expect(isWorkerkitError(call.error()) || call.error() instanceof Error).toBe(true);
      expect(worker.state()).toBe(end);
      await worker.end();
    },
  );
});

describe("a caller's abort", () => {
  const lasting = BEHAVIOURS.filter((behaviour) => !["returns", "throws"].includes(behaviour));

  it.each(lasting)("L6 leaves a worker failed whose start hook %s", async (behaviour) => {
    const worker = scripted();
    worker.script.start.push(behaviour);
    const caller = new AbortController();
    const start = watch(worker.runtime.start("w", { signal: caller.signal }));
    await worker.clock.advance(5);
    caller.abort("enough");
    await worker.clock.flush();
    expect(start.now()).toBe("enough");
    expect(worker.state()).toBe(behaviour === "obeys" ? "failed" : "starting");
    await worker.clock.advance(LIMITS.graceMs);
    expect(worker.state()).toBe("failed");
    const stop = watch(worker.runtime.stop("w"));
    await worker.clock.advance(10_000);
    expect([stop.now(), worker.state()]).toEqual(["done", "stopped"]);
    await worker.end();
  });

  it.each(["drain", "stop"] as const)(
    "L2 lets a %s go on whatever its hook does",
    async (operation) => {
      for (const behaviour of lasting) {
        const worker = scripted();
        worker.ask("start");
        await worker.clock.flush();
        worker.script[operation].push(behaviour);
        const caller = new AbortController();
        const call = watch(worker.runtime[operation]("w", { signal: caller.signal }));
        await worker.clock.advance(5);
        caller.abort("enough");
        await worker.clock.flush();
        expect([call.now(), worker.calls.at(-1)]).toEqual(["enough", `${operation} at 0`]);
        await worker.clock.advance(10_000);
        const well = resultOf(behaviour) === "ok";
        expect(worker.state()).toBe(
          operation === "drain" ? "draining" : well ? "stopped" : "failed",
        );
        await worker.end();
      }
    },
  );
});
