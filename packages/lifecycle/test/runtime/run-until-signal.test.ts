// Within the test's own process, by a signal that nothing else here listens to and that is emitted, not sent.

import { isWorkerkitError } from "@workerkit/contracts";
import { type RunUntilSignalOptions, runUntilSignal } from "@workerkit/lifecycle";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { countedSignal } from "./counted-signal.ts";
import { type Crew, crew, type Hook, type Part } from "./crew.ts";
import { held, never, outcomeOf } from "./held.ts";

const broken = new Error("broken");
const takes =
  (ms: number): Hook =>
  ({ clock }) =>
    new Promise<void>((resolve) => clock.setTimeout(resolve, ms));

const NAMES = ["SIGUSR2", "SIGTERM", "SIGINT", "uncaughtException", "unhandledRejection"];
const countListeners = () => NAMES.map((name) => process.listenerCount(name));

const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
  throw new Error(`exit ${code ?? process.exitCode}`);
});

let before: number[];
beforeEach(() => {
  before = countListeners();
  exit.mockClear();
});
afterEach(() => {
  process.exitCode = undefined;
  expect(countListeners()).toEqual(before);
});

interface Run extends Crew {
  readonly lines: string[];
  readonly outcome: { readonly value: unknown };
}

/** A crew under runUntilSignal, once all that is due has happened. */
async function run(parts: Record<string, Part>, options: RunUntilSignalOptions = {}): Promise<Run> {
  const it = crew(parts);
  const lines: string[] = [];
  const signals = ["SIGUSR2"] as const;
  const log = (line: string) => lines.push(line.split("\n")[0] ?? "");
  const running = runUntilSignal(it.runtime, { signals, log, ...options });
  const outcome = outcomeOf(running);
  await it.clock.flush();
  return { ...it, lines, outcome };
}

const send = (name: NodeJS.Signals = "SIGUSR2") => process.emit(name);

describe("what ends it", () => {
  it("H8 a signal: all workers are shut down, and the exit code is 0", async () => {
    const it = await run({ db: { stop: takes(30) }, api: { dependsOn: ["db"], stop: takes(20) } });
    expect(it.states()).toBe("db running, api running");
    expect(it.outcome.value).toBe(undefined);
    send();
    await it.clock.advance(50);
    expect(it.outcome.value).toBe("resolved");
    expect(it.states()).toBe("db stopped, api stopped");
    expect(it.lines).toEqual(["shop: SIGUSR2, shut down in 50 ms"]);
    expect(process.exitCode).toBe(0);
    // Of the runtime nothing is left; what may still hold the process is looked for a second later.
    expect(it.clock.pending()).toEqual([
      { label: "shop: the process is still held", inMs: 1_000, refed: false },
    ]);
  });

  it("H8 the request of a worker, which is named with its reason", async () => {
    const it = await run({ w: {} });
    it.context("w").requestShutdown("disk full");
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
    expect(it.lines).toEqual(["shop: worker w: disk full, shut down in 0 ms"]);
    expect(process.exitCode).toBe(0);
  });

  it("H7 a shutdown that somebody else called", async () => {
    const it = await run({ w: {} });
    await it.runtime.shutdown();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
    expect(it.lines).toEqual(["shop: shutdown, shut down in 0 ms"]);
  });

  it("H8 its own signal", async () => {
    const { controller, signal, listeners } = countedSignal();
    const it = await run({ w: {} }, { signal });
    controller.abort();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
    expect(it.lines).toEqual(["shop: its signal aborted, shut down in 0 ms"]);
    expect(listeners()).toBe(0);
  });

  it("H8 its own signal, aborted beforehand: nothing starts", async () => {
    const it = await run({ w: {} }, { signal: AbortSignal.abort() });
    expect(it.outcome.value).toBe("resolved");
    expect(it.calls).toEqual([]);
  });

  it("H7 a start that fails: it rejects with the cause, after what was started is stopped", async () => {
    const it = await run({ db: {}, api: { start: () => Promise.reject(broken) } });
    expect(it.outcome.value).toBe(broken);
    expect(it.states()).toBe("db stopped, api stopped");
    expect(it.lines).toEqual([
      "shop: worker api failed: Error: broken",
      "shop: the start failed, failed in 0 ms",
    ]);
    expect(process.exitCode).toBe(1);
  });

  it("H7 a final failure of a worker with fail-runtime, with its error", async () => {
    const it = await run({ w: { failurePolicy: "fail-runtime" }, other: {} });
    it.context("w").reportFailure(broken);
    await it.clock.flush();
    expect(it.outcome.value).toBe(broken);
    expect(it.states()).toBe("w stopped, other stopped");
    expect(it.lines).toEqual(["shop: worker w failed the runtime, failed in 0 ms"]);
    expect(process.exitCode).toBe(1);
  });

  it("H8 not the failure of any other worker, which is only told", async () => {
    const it = await run({ w: {}, other: {} });
    it.context("w").reportFailure(broken);
    it.context("other").reportFailure(broken);
    await it.clock.advance(60_000);
    expect(it.outcome.value).toBe(undefined);
    expect(it.runtime.status().state).toBe("failed");
    expect(it.lines).toEqual([
      "shop: worker w failed: Error: broken",
      "shop: worker other failed: Error: broken",
    ]);
    send();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
  });

  it("H8 startWorkers: false starts nothing, and waits all the same", async () => {
    const it = await run({ w: {} }, { startWorkers: false });
    expect(it.states()).toBe("w registered");
    await it.runtime.start("w");
    await it.clock.advance(60_000);
    expect(it.outcome.value).toBe(undefined);
    send();
    await it.clock.flush();
    expect(it.states()).toBe("w stopped");
  });
});

describe("how it ends", () => {
  it("H7 a signal while the workers start interrupts the start, and is no failure", async () => {
    const it = await run({
      slow: {
        start: (_, { signal }) =>
          new Promise((_r, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason)),
          ),
      },
      next: {},
    });
    send();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
    expect(it.states()).toBe("slow stopped, next registered");
    expect(it.lines).toEqual(["shop: SIGUSR2, shut down in 0 ms"]);
  });

  it("H7 a start that hangs and ignores the signal is left behind, named with its age, and the exit code is 1", async () => {
    const it = await run({ slow: { start: never, graceMs: 200 } });
    await it.clock.advance(300);
    send();
    await it.clock.advance(200);
    expect(it.outcome.value).toMatchObject({
      report: { workers: [{ worker: "slow", outcome: "stopped" }] },
    });
    expect(it.lines).toEqual([
      "shop: SIGUSR2, failed in 200 ms, left behind: start hook of slow after 500 ms",
    ]);
    expect(process.exitCode).toBe(1);
  });

  it("H7 a stop hook that fails makes it reject with the errors of all, exit code 1", async () => {
    const it = await run({ w: { stop: () => Promise.reject(broken) } });
    send();
    await it.clock.flush();
    expect(it.outcome.value).toMatchObject({ errors: [broken] });
    expect(it.lines.at(-1)).toBe("shop: SIGUSR2, failed in 0 ms");
    expect(process.exitCode).toBe(1);
  });

  it("H8 the budget of the shutdown is its option", async () => {
    const forever = Number.POSITIVE_INFINITY;
    const it = await run(
      { w: { stop: never, stopTimeoutMs: forever, graceMs: forever } },
      { shutdownTimeoutMs: 1_600 },
    );
    send();
    await it.clock.advance(1_599);
    expect(it.outcome.value).toBe(undefined);
    await it.clock.advance(1);
    expect(it.outcome.value).toBeInstanceOf(AggregateError);
  });

  it.each([
    ["alone", {}],
    ["beside another", { other: { drain: takes(200) } }],
  ])(
    "H7 a worker with fail-runtime that fails while it is shut down, %s: exit code 1, with its error",
    async (_, others) => {
      const it = await run({ w: { failurePolicy: "fail-runtime" }, ...others });
      const lease = it.context("w").admit();
      // It is stopping in the very stretch in which it fails.
      lease?.signal.addEventListener("abort", () => lease.release());
      send();
      await it.clock.advance(50);
      it.context("w").reportFailure(broken);
      await it.clock.advance(200);
      expect(it.state("w")).toBe("stopped");
      expect(it.outcome.value).toBe(broken);
      expect(it.lines.at(-1)).toMatch(/^shop: SIGUSR2, failed in \d+ ms$/);
      expect(process.exitCode).toBe(1);
    },
  );

  it("H7 a log that throws, or rejects, keeps nothing from its end", async () => {
    for (const log of [
      () => {
        throw broken;
      },
      () => Promise.reject(broken),
    ]) {
      const it = await run({ w: {} }, { log });
      it.context("w").reportFailure(new Error("lost"));
      await it.clock.flush();
      send();
      await it.clock.flush();
      expect(it.outcome.value).toBe("resolved");
      expect(process.exitCode).toBe(0);
    }
  });
});

it("H7 runs that follow each other listen to the outputs once in all", async () => {
  const count = () =>
    [process.stdout, process.stderr].map((output) => output.listenerCount("error"));
  const runOnce = async () => {
    const it = await run({});
    send();
    await it.clock.flush();
    return count();
  };
  expect(await runOnce()).toEqual(await runOnce());
});

describe("a second signal", () => {
  it("H7 exits at once, with 128 + its number, whichever it is", async () => {
    const stop = held();
    const signals = ["SIGUSR2", "SIGURG"] as const;
    const it = await run({ w: { stop: stop.hook } }, { signals });
    send();
    await it.clock.flush();
    expect(exit).not.toHaveBeenCalled();
    expect(() => send("SIGURG")).toThrow("exit 151"); // 128 + 23
    expect(() => send("SIGUSR2")).toThrow("exit 140"); // 128 + 12
    expect(it.lines).toEqual([
      "shop: SIGURG again, exits at once",
      "shop: SIGUSR2 again, exits at once",
    ]);
    stop.open();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
  });

  it("H7 the first signal during a shutdown that a worker asked for is no second one", async () => {
    const stop = held();
    const it = await run({ w: { stop: stop.hook } });
    it.context("w").requestShutdown("done");
    await it.clock.flush();
    send();
    expect(exit).not.toHaveBeenCalled();
    expect(() => send()).toThrow("exit 140");
    stop.open();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
    expect(it.lines.at(-1)).toBe("shop: worker w: done, shut down in 0 ms");
  });

  it("H8 a signal that is named twice is heard once", async () => {
    const stop = held();
    const it = await run({ w: { stop: stop.hook } }, { signals: ["SIGUSR2", "SIGUSR2"] });
    expect(process.listenerCount("SIGUSR2")).toBe(1);
    send();
    await it.clock.flush();
    expect(exit).not.toHaveBeenCalled();
    stop.open();
    await it.clock.flush();
    expect(it.outcome.value).toBe("resolved");
  });
});

describe("wrong options", () => {
  const cases: readonly (readonly [options: unknown, message: string])[] = [
    [null, "options is null: expected an object"],
    [
      { onSignal: 1 },
      "options.onSignal is no option: expected one of log, shutdownTimeoutMs, signal,",
    ],
    [{ signals: "SIGTERM" }, 'options.signals is "SIGTERM": expected a list of signal names'],
    [
      { signals: ["SIGTERM", "TERM"] },
      'options.signals[1] is "TERM": expected the name of a signal',
    ],
    [{ signals: [15] }, "options.signals[0] is 15: expected the name of a signal"],
    [{ signals: new Array(1) }, "options.signals[0] is undefined: expected the name of a signal"],
    [{ signals: ["SIGKILL"] }, 'options.signals[0] is "SIGKILL": expected the name of a signal'],
    [{ signals: ["SIGSTOP"] }, 'options.signals[0] is "SIGSTOP": expected the name of a signal'],
    [{ startWorkers: 0 }, "options.startWorkers is 0: expected true or false"],
    [{ shutdownTimeoutMs: -1 }, "options.shutdownTimeoutMs is -1: expected a number of ms"],
    [{ signal: {} }, "options.signal is an object: expected an AbortSignal"],
    [{ log: console }, "options.log is an object: expected a function"],
  ];
  it.each(cases)("N4 %j", async (options, message) => {
    const it = crew({ w: {} });
    const error: unknown = await runUntilSignal(it.runtime, options as object).catch(
      (thrown: unknown) => thrown,
    );
    expect(isWorkerkitError(error, "INVALID_OPTION")).toBe(true);
    expect((error as Error).message).toContain(message);
    await it.clock.flush();
    expect(it.events).toEqual([]);
    expect(countListeners()).toEqual(before);
    expect(process.exitCode).toBe(undefined);
    expect(it.clock.pending()).toEqual([]);
  });
});
