import { isWorkerkitError } from "@workerkit/contracts";
import { exponential, type RetryPolicy } from "@workerkit/retry";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { THROWN, wrong } from "../hostile.ts";
import { type Crew, crew, type Part } from "./crew.ts";

/** Anything but a sensible answer. */
const NONSENSE: readonly (readonly [name: string, answer: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a text", "100"],
  ["an object", {}],
  ["a symbol", Symbol("answer")],
  ["a bigint", 5n],
  ["a promise", Promise.resolve(100)],
  ["a promise that rejects", undefined],
  ["a function", () => 100],
];

const answer = (name: string, value: unknown) =>
  name === "a promise that rejects" ? Promise.reject(new Error("late")) : value;

const broken = new Error("broken");

/** A worker that fails once while it runs. */
const failing = async (policy: Part): Promise<Crew> => {
  const it = crew({ w: policy });
  await it.runtime.start("w");
  it.context("w").reportFailure(broken);
  await it.clock.flush();
  return it;
};

beforeEach(() => {
  // The process is warned of a policy that throws; that is another test's business.
  const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  return () => emitWarning.mockRestore();
});

describe("what a start retry answers", () => {
  const startWith = async (nextDelayMs: unknown) => {
    let attempts = 0;
    const policy = { nextDelayMs } as RetryPolicy;
    const it = crew({
      w: {
        startRetry: policy,
        start() {
          attempts += 1;
          if (attempts === 1) throw broken;
        },
      },
    });
    const started = it.runtime.start("w").then(
      () => "started",
      (error: unknown) => error,
    );
    const outcome = await it.clock.settle(started, { withinMs: 2 ** 31 });
    const at = it.clock.monotonicMs();
    await it.end();
    return { outcome, at, attempts };
  };

  it.each(NONSENSE)(
    "P1 %s is no retry, and the start rejects with its own error",
    async (name, value) => {
      const { outcome, attempts } = await startWith(() => answer(name, value));
      expect(outcome).toBe(broken);
      expect(attempts).toBe(1);
    },
  );

  it.each(THROWN)("P1 a policy that throws %s is no retry", async (_, thrown) => {
    const { outcome, attempts } = await startWith(() => {
      throw thrown;
    });
    expect(outcome).toBe(broken);
    expect(attempts).toBe(1);
  });

  it.each([
    [Number.NaN, 1],
    [-5, 1],
    [Number.NEGATIVE_INFINITY, 1],
    [0, 1],
    [250.5, 250.5],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ])("P1 %d is clamped: the next attempt comes after %d ms", async (delayMs, at) => {
    expect(await startWith(() => delayMs)).toEqual({ outcome: "started", at, attempts: 2 });
  });
});

describe("what a restart policy answers", () => {
  it.each([...NONSENSE, ["1", 1], ["false", false]] as typeof NONSENSE)(
    "S2 when: %s is no agreement",
    async (name, value) => {
      const when = wrong(() => answer(name, value));
      const it = await failing({ restart: { backoff: exponential(10, 2), when } });
      expect(it.state("w")).toBe("failed");
      expect(it.runtime.worker("w")?.lastFailure?.code).toBe("RESTARTS_EXHAUSTED");
      await it.end();
    },
  );

  it.each(THROWN)("S2 when: throwing %s is no agreement", async (_, thrown) => {
    const when = () => {
      throw thrown;
    };
    const it = await failing({ restart: { backoff: exponential(10, 2), when } });
    expect(it.state("w")).toBe("failed");
    await it.end();
  });

  it.each([
    [Number.NaN, 0],
    [-1, 0],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
    ["50", 0],
    [undefined, 0],
    [{}, 0],
  ])("P1 a backoff of %s is clamped to %d", async (delayMs, clamped) => {
    const it = await failing({ restart: { backoff: { delayMs: () => wrong(delayMs) } } });
    const restart = it.heard.find(([name]) => name === "worker:restart");
    expect(restart?.[1]).toMatchObject({ delayMs: clamped });
    expect(it.state("w")).toBe(clamped === 0 ? "running" : "restarting");
    await it.end();
  });

  it.each(THROWN)("S2 a backoff that throws %s ends the restarts", async (_, thrown) => {
    const delayMs = () => {
      throw thrown;
    };
    const it = await failing({ restart: { backoff: { delayMs } } });
    expect(it.state("w")).toBe("failed");
    const failure = it.heard.find(([name]) => name === "worker:failure")?.[1];
    expect(failure).toMatchObject({ code: "RESTARTS_EXHAUSTED", final: true });
    expect(failure).toHaveProperty("error.cause", broken);
    await it.end();
  });
});

describe("what isPanic answers", () => {
  it.each([...NONSENSE, ["1", 1]] as typeof NONSENSE)("C6 %s is no panic", async (name, value) => {
    const it = await failing({ isPanic: wrong(() => answer(name, value)) });
    expect(it.heard.find(([event]) => event === "worker:failure")?.[1]).toMatchObject({
      panic: false,
      code: "WORKER_FAILED",
    });
    await it.end();
  });

  it.each(THROWN)("C6 throwing %s is no panic", async (_, thrown) => {
    const isPanic = () => {
      throw thrown;
    };
    const it = await failing({ isPanic });
    expect(it.runtime.worker("w")?.lastFailure?.code).toBe("WORKER_FAILED");
    await it.end();
  });
});

describe("what a worker says through its context", () => {
  const CLAIMS: readonly (readonly [name: string, say: (it: Crew) => unknown, text: string])[] = [
    ["setReady", (it) => it.context("w").setReady(wrong("yes")), "expected true or false"],
    ["setAcceptingWork", (it) => it.context("w").setAcceptingWork(wrong(1)), "true or false"],
    ["sleep", (it) => it.context("w").sleep(Number.NaN), "delayMs is NaN: expected a number of ms"],
    ["sleep", (it) => it.context("w").sleep(-1), "delayMs is -1: expected a number of ms"],
    ["note", (it) => it.context("w").note(wrong(5)), "fields is 5: expected an object"],
    [
      "note",
      (it) => it.context("w").note({ state: "fine" }),
      'fields.state is "fine": expected a key',
    ],
    [
      "note",
      (it) => it.context("w").note({ of: () => 1 }),
      "fields.of is a function: expected a JSON",
    ],
    [
      "note",
      (it) => it.context("w").note({ n: 1n }),
      "fields.n is a bigint: expected a JSON value",
    ],
    [
      "emit",
      (it) => it.context("w").emit(wrong("worker:failure"), wrong({})),
      'expected "check:end"',
    ],
    ["use", (it) => it.context("w").use(wrong(undefined)), "workers.w.dependsOn"],
  ];

  it.each(CLAIMS)("N4 %s: nonsense is refused and changes nothing", async (_, say, text) => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    await it.settled();
    const before = it.runtime.worker("w");
    let thrown: unknown;
    try {
      say(it);
    } catch (error) {
      thrown = error;
    }
    expect(isWorkerkitError(thrown, "INVALID_OPTION")).toBe(true);
    expect((thrown as Error).message).toContain(text);
    await it.clock.flush();
    expect(it.runtime.worker("w")).toEqual(before);
    expect(it.events).toEqual([]);
    await it.end();
  });

  it("N4 an error that throws when it is read fails a worker like any other", async () => {
    for (const [, thrown] of THROWN) {
      const it = crew({ w: {} });
      await it.runtime.start("w");
      expect(it.context("w").reportFailure(thrown)).toBe(true);
      expect(it.runtime.worker("w")).toMatchObject({
        state: "failed",
        lastFailure: { code: "WORKER_FAILED", message: "the worker failed" },
      });
      await it.end();
    }
  });
});
