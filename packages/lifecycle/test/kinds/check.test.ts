import { withSafeMessage } from "@workerkit/contracts";
import {
  type CheckOptions,
  type CheckOutcome,
  check,
  type WorkContext,
} from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { unreadableError, wrong } from "../hostile.ts";
import { type Gate, gate } from "../worker/gate.ts";
import { type HostOptions, host } from "./host.ts";

/** A check every 100 ms whose probes the test answers one by one. */
function checking(options: Partial<CheckOptions> = {}, policy: HostOptions = {}) {
  const gates: Gate<CheckOutcome>[] = [];
  const contexts: WorkContext<void>[] = [];
  const probe = (nth: number) => {
    gates[nth - 1] ??= gate<CheckOutcome>();
    return gates[nth - 1] as Gate<CheckOutcome>;
  };
  const worker = check(
    (ctx) => {
      contexts.push(ctx);
      hosted.say(`probe ${contexts.length}`);
      return probe(contexts.length).promise;
    },
    { everyMs: 100, ...options },
  );
  const hosted = host(worker, policy);
  const ends = () =>
    hosted.heard.filter(([name]) => name === "check:end").map(([, event]) => event);
  return { ...hosted, probe, contexts, ends };
}

describe("W6 what a probe finds", () => {
  it.each([
    ["pass", true],
    ["warn", true],
    ["fail", false],
  ] as const)("W6 %s sets readiness to %s", async (outcome, ready) => {
    const { probe, ...hosted } = checking();
    await hosted.start();
    expect(hosted.status()).toMatchObject({ kind: "check", state: "running", ready: false });
    probe(1).open(outcome);
    await hosted.clock.flush();
    expect(hosted.status().ready).toBe(ready);
    await hosted.end();
  });

  it("W6 is not ready at start, whatever readyOnStart says", async () => {
    const { ...hosted } = checking({}, { readyOnStart: true });
    await hosted.start();
    expect(hosted.status().ready).toBe(false);
    expect(hosted.runtime.status().ready).toBe(false);
    await hosted.end();
  });

  it("W6 readiness follows each result, and the worker runs on", async () => {
    const { probe, ...hosted } = checking();
    for (const [index, outcome] of (["pass", "fail", "warn"] as const).entries()) {
      probe(index + 1).open(outcome);
    }
    await hosted.start();
    const seen = [hosted.status().ready];
    for (let rest = 0; rest < 2; rest += 1) {
      await hosted.clock.advance(100);
      seen.push(hosted.status().ready);
    }
    expect(seen).toEqual([true, false, true]);
    expect(hosted.status()).toMatchObject({ state: "running" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W6 is told by check:end and shown in status, with the words of the probe", async () => {
    const { probe, ends, ...hosted } = checking();
    await hosted.start();
    await hosted.clock.advance(20);
    probe(1).open({ outcome: "warn", message: "replica lags" });
    await hosted.clock.flush();
    expect(ends()).toEqual([
      {
        ...{ runtime: "rt", at: 20, worker: "w", generation: 1 },
        ...{ outcome: "warn", durationMs: 20, message: "replica lags" },
      },
    ]);
    expect(hosted.status()).toMatchObject({
      lastRun: { startedAt: 0, durationMs: 20, outcome: "warn", message: "replica lags" },
      nextRunAt: 120,
    });
    await hosted.end();
  });

  it("W6 has no message where the probe gave none", async () => {
    const { probe, ends, ...hosted } = checking();
    probe(1).open({ outcome: "pass" });
    await hosted.start();
    expect(ends()[0]).not.toHaveProperty("message");
    expect(hosted.status().lastRun).toEqual({ startedAt: 0, durationMs: 0, outcome: "pass" });
    await hosted.end();
  });

  it.each([
    ["an error", new Error("password is hunter2"), "the probe threw"],
    ["a safe error", withSafeMessage(new Error("x"), { code: "DOWN", message: "no db" }), "no db"],
    ["an unreadable error", unreadableError(), "the probe threw"],
    ["undefined", undefined, "the probe threw"],
  ])("W6 a probe that throws %s has failed, and tells no secret", async (_name, error, message) => {
    const { probe, ends, ...hosted } = checking();
    probe(1).fail(error);
    await hosted.start();
    expect(ends()).toMatchObject([{ outcome: "fail", message }]);
    expect(hosted.status()).toMatchObject({ state: "running", ready: false });
    await hosted.end();
  });

  it.each([
    ["nothing", undefined, "undefined"],
    ["true", true, "true"],
    ["another word", "ok", '"ok"'],
    ["another outcome", { outcome: "ok" }, "an object"],
    [
      "an object that throws",
      {
        get outcome() {
          throw new Error("x");
        },
      },
      undefined,
    ],
  ])("W6 a probe that returns %s has failed", async (_name, answer, shown) => {
    const { probe, ends, ...hosted } = checking();
    probe(1).open(wrong(answer));
    await hosted.start();
    const message =
      shown === undefined
        ? "the probe threw"
        : `the probe returned ${shown}: expected pass, warn, fail`;
    expect(ends()).toMatchObject([{ outcome: "fail", message }]);
    await hosted.end();
  });
});

describe("W6 when it probes", () => {
  it("W6 probes at once, and rests everyMs after the end of each probe", async () => {
    const { probe, ...hosted } = checking();
    await hosted.start();
    await hosted.clock.advance(30);
    probe(1).open("pass");
    await hosted.clock.advance(150);
    expect(hosted.log).toEqual(["probe 1 at 0", "probe 2 at 130"]);
    await hosted.end();
  });

  it("W6 waits initialDelayMs for its first probe", async () => {
    const { ...hosted } = checking({ initialDelayMs: 40 });
    await hosted.start();
    await hosted.clock.advance(39);
    expect(hosted.log).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "running", ready: false, nextRunAt: 40 });
    await hosted.clock.advance(1);
    expect(hosted.log).toEqual(["probe 1 at 40"]);
    await hosted.end();
  });

  it("W6 reading status or readiness runs nothing", async () => {
    const { probe, ...hosted } = checking();
    probe(1).open("pass");
    await hosted.start();
    for (let read = 0; read < 10; read += 1) {
      hosted.status();
      hosted.runtime.status();
      await hosted.runtime.whenReady();
    }
    expect(hosted.log).toEqual(["probe 1 at 0"]);
    await hosted.end();
  });

  it("W6 a probe is no lease: nothing waits for it", async () => {
    const { contexts, ...hosted } = checking();
    await hosted.start();
    expect(hosted.status().inFlight).toBe(0);
    await hosted.runtime.waitIdle("w");
    expect(contexts[0]?.lease.label).toBe("probe");
    expect(contexts[0]?.signal).toBe(contexts[0]?.lease.signal);
    contexts[0]?.lease.release();
    expect(hosted.status()).toMatchObject({ inFlight: 0, abandoned: 0 });
    await hosted.end();
  });
});

describe("W6 late and stale", () => {
  it("W6 a probe has 5 000 ms by default; then it is told, and has failed", async () => {
    const { contexts, ends, ...hosted } = checking();
    await hosted.start();
    await hosted.clock.advance(4_999);
    expect(contexts[0]?.signal.aborted).toBe(false);
    await hosted.clock.advance(1);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "TIMEOUT" });
    expect(ends()).toMatchObject([
      { outcome: "fail", durationMs: 5_000, message: "the probe took longer than 5000 ms" },
    ]);
    await hosted.end();
  });

  it("W6 a late result is dropped, and holds up no further probe", async () => {
    const { probe, ends, ...hosted } = checking({ timeoutMs: 50 });
    await hosted.start();
    await hosted.clock.advance(60);
    probe(1).open("pass");
    await hosted.clock.flush();
    expect(hosted.status().ready).toBe(false);
    probe(2).open("pass");
    await hosted.clock.advance(90);
    expect(hosted.log).toEqual(["probe 1 at 0", "probe 2 at 150"]);
    expect(hosted.status().ready).toBe(true);
    expect(ends()).toHaveLength(2);
    await hosted.end();
  });

  it("W6 a late failure is dropped as well, also after a probe that passed", async () => {
    const { probe, ends, ...hosted } = checking({ timeoutMs: 50 });
    probe(2).open("pass");
    await hosted.start();
    await hosted.clock.advance(150);
    probe(1).fail(new Error("late"));
    await hosted.clock.flush();
    expect(hosted.status().ready).toBe(true);
    expect(ends()).toMatchObject([{ outcome: "fail" }, { outcome: "pass" }]);
    await hosted.end();
  });

  it("W6 is not ready when the last result is older than staleAfterMs, until there is a new one", async () => {
    const { probe, ...hosted } = checking({ staleAfterMs: 300 });
    probe(1).open("pass");
    await hosted.start();
    await hosted.clock.advance(299);
    expect(hosted.status().ready).toBe(true);
    await hosted.clock.advance(1);
    expect(hosted.status()).toMatchObject({ state: "running", ready: false });
    probe(2).open("warn");
    await hosted.clock.flush();
    expect(hosted.status().ready).toBe(true);
    await hosted.end();
  });

  it("W6 a new result in time keeps it ready, without a break", async () => {
    const { probe, ...hosted } = checking({ staleAfterMs: 150 });
    for (let nth = 1; nth < 20; nth += 1) probe(nth).open("pass");
    await hosted.start();
    await hosted.told();
    await hosted.clock.advance(1_500);
    expect((await hosted.told()).filter((line) => line.includes("ready"))).toEqual([]);
    await hosted.end();
  });

  it.each([
    [1_199, true],
    [1_200, false],
  ])(
    "W6 grows stale by default after twice everyMs and timeoutMs: after %i ms behind a blocked event loop ready is %s",
    async (blockedMs, ready) => {
      const { probe, ...hosted } = checking({ timeoutMs: 1_000, everyMs: 100 });
      probe(1).open("pass");
      await hosted.start();
      hosted.clock.block(blockedMs);
      await hosted.clock.advance(0);
      expect(hosted.log).toHaveLength(2);
      expect(hosted.status().ready).toBe(ready);
      await hosted.end();
    },
  );
});

describe("W6 failOnNotReady", () => {
  it("W6 a result that is not ready fails the worker, so that supervision restarts it", async () => {
    const { probe, ...hosted } = checking(
      { failOnNotReady: true },
      { restart: { backoff: constant(50) } },
    );
    probe(1).open("pass");
    probe(2).open({ outcome: "fail", message: "connection lost" });
    probe(3).open("pass");
    await hosted.start();
    await hosted.told();
    await hosted.clock.advance(150);
    expect(await hosted.told()).toContain("failure in run 1: WORKER_FAILED");
    const failure = hosted.heard.find(([name]) => name === "worker:failure");
    expect(failure?.[1]).toMatchObject({ message: "the check of rt/w failed: connection lost" });
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, ready: true });
    await hosted.end();
  });

  it("W6 a stale result fails it too", async () => {
    const { probe, ...hosted } = checking({ failOnNotReady: true, staleAfterMs: 300 });
    probe(1).open("pass");
    await hosted.start();
    await hosted.clock.advance(300);
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { message: "the check of rt/w had no result for 300 ms" },
    });
    await hosted.end();
  });

  it("W6 to be not ready at start is no result, and a warning is ready", async () => {
    const { probe, ...hosted } = checking({ failOnNotReady: true });
    await hosted.start();
    await hosted.clock.advance(1_000);
    expect(hosted.status()).toMatchObject({ state: "running", ready: false });
    probe(1).open("warn");
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "running", ready: true });
    await hosted.end();
  });
});

describe("W6 drain and stop", () => {
  it("W6 drain ends the present probe by its signal, drops what it finds, and starts no further one", async () => {
    const { probe, contexts, ends, ...hosted } = checking();
    await hosted.start();
    const signal = contexts[0]?.signal;
    signal?.addEventListener("abort", () => probe(1).open("pass"));
    await hosted.runtime.drain("w");
    await hosted.clock.advance(10_000);
    expect(signal?.reason).toMatchObject({ code: "WORKER_STOPPING" });
    expect(ends()).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "draining", ready: false });
    expect(hosted.log).toEqual(["probe 1 at 0"]);
    await hosted.end();
  });

  it("W6 a stop waits for a probe that ignores its signal no longer than graceMs", async () => {
    const { ...hosted } = checking({}, { graceMs: 70 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(70);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 0 });
    await hosted.end();
  });

  it("W6 grows stale no more once drain began", async () => {
    const { probe, ...hosted } = checking({ failOnNotReady: true, staleAfterMs: 300 });
    probe(1).open("pass");
    await hosted.start();
    await hosted.clock.advance(290);
    await hosted.runtime.drain("w");
    await hosted.clock.advance(10_000);
    expect(hosted.status()).toMatchObject({ state: "draining" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W6 never grows stale with staleAfterMs Infinity", async () => {
    const { probe, ...hosted } = checking({ staleAfterMs: Number.POSITIVE_INFINITY });
    probe(1).open("pass");
    await hosted.start();
    const labels = hosted.clock.pending().map(({ label }) => label);
    expect(labels).toContain("rt/w rests");
    expect(labels).not.toContain("rt/w grows stale");
    await hosted.end();
  });

  it("W6 stops at once between two probes", async () => {
    const { probe, ...hosted } = checking();
    probe(1).open("pass");
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(hosted.clock.monotonicMs()).toBe(0);
    await hosted.end();
  });

  it("W6 a failure from elsewhere ends it, and a result that comes then changes nothing", async () => {
    const { probe, contexts, ends, ...hosted } = checking();
    await hosted.start();
    contexts[0]?.reportFailure(new Error("broken"));
    probe(1).open("pass");
    await hosted.clock.advance(1_000);
    expect(hosted.status()).toMatchObject({ state: "failed", ready: false });
    expect(ends()).toEqual([]);
    expect(hosted.log).toHaveLength(1);
    await hosted.end();
  });
});
