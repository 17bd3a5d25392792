import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  askPolicy,
  type ExponentialBackoffOptions,
  fromExponentialBackoff,
  retry,
} from "@workerkit/retry";
import { backOff } from "exponential-backoff";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a run did: the delays in their order, the questions to `retry`, and how it ended. */
interface Run {
  readonly delays: number[];
  readonly asked: [unknown, number][];
  readonly ended: unknown;
}

/** How the operation and the user's `retry` behave. */
interface Scenario {
  readonly failures: number;
  readonly stopAt: number;
}

function seeded(): () => number {
  let seed = 42;
  return () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
}

function failing(failures: number): () => Promise<string> {
  let made = 0;
  return async () => {
    made++;
    if (made > failures) return `done after ${made}`;
    throw `failure ${made}`;
  };
}

/** Runs the real library. It sleeps by the global setTimeout alone, so that is where its delays can be seen and cut short. */
async function runLibrary(options: ExponentialBackoffOptions, scenario: Scenario): Promise<Run> {
  const delays: number[] = [];
  const asked: [unknown, number][] = [];
  vi.spyOn(Math, "random").mockImplementation(seeded());
  const stub = (wake: () => void, delayMs: number) => {
    delays.push(delayMs);
    setImmediate(wake);
  };
  vi.spyOn(globalThis, "setTimeout").mockImplementation(stub as unknown as typeof setTimeout);
  const request = failing(scenario.failures);
  const retryIf = (error: unknown, attempt: number) => {
    asked.push([error, attempt]);
    return attempt !== scenario.stopAt;
  };
  const given = Object.fromEntries(Object.entries({ ...options, retry: retryIf }));
  const ended = await backOff(request, given).catch((error: unknown) => ({ error }));
  vi.restoreAllMocks();
  return { delays, asked, ended };
}

async function runOurs(options: ExponentialBackoffOptions, scenario: Scenario): Promise<Run> {
  const delays: number[] = [];
  const asked: [unknown, number][] = [];
  const clock = createFakeClock();
  const random = seeded();
  const policy = fromExponentialBackoff({
    ...options,
    retry: (error, attempt) => {
      asked.push([error, attempt]);
      return attempt !== scenario.stopAt;
    },
  });
  if (options.delayFirstAttempt) delays.push(policy.firstDelayMs(random));
  const call = retry(failing(scenario.failures), {
    policy,
    clock,
    random,
    onFailedAttempt: (failed) => failed.willRetry && delays.push(failed.delayMs),
  });
  const ended = await clock.settle(call).catch((error: unknown) => ({ error }));
  return { delays, asked, ended };
}

describe("P1 fromExponentialBackoff", () => {
  it("P1 without options it is the library's defaults: ten attempts, 100 ms doubling", async () => {
    const scenario = { failures: 99, stopAt: 0 };
    const ours = await runOurs({}, scenario);
    expect(ours.delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600]);
    expect(ours).toEqual(await runLibrary({}, scenario));
  });

  it("P1 does what the real library does: the same delays, questions to retry, and end", async () => {
    const options = fc.record(
      {
        delayFirstAttempt: fc.boolean(),
        jitter: fc.constantFrom("none" as const, "full" as const),
        maxDelay: fc.oneof(
          fc.integer({ min: 0, max: 5000 }),
          fc.constant(Number.POSITIVE_INFINITY),
        ),
        numOfAttempts: fc.oneof(fc.integer({ min: -2, max: 8 }), fc.constantFrom(0.5, 2.5)),
        startingDelay: fc.integer({ min: 0, max: 2000 }),
        timeMultiple: fc.constantFrom(0, 0.5, 1, 1.5, 2, 3),
      },
      { requiredKeys: [] },
    );
    const scenarios = fc.record({
      failures: fc.integer({ min: 0, max: 10 }),
      stopAt: fc.integer({ min: 0, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(options, scenarios, async (given, scenario) => {
        expect(await runOurs(given, scenario)).toEqual(await runLibrary(given, scenario));
      }),
      { numRuns: 300 },
    );
  });

  it("P1 firstDelayMs is what delayFirstAttempt asks for, and the delays after it go on from there", () => {
    const options = { delayFirstAttempt: true, startingDelay: 50, timeMultiple: 3 };
    const policy = fromExponentialBackoff(options);
    expect(policy.firstDelayMs()).toBe(50);
    expect(policy.nextDelayMs(1, "error")).toBe(150);
    expect(fromExponentialBackoff({ ...options, jitter: "full" }).firstDelayMs(() => 0.5)).toBe(25);
    expect(fromExponentialBackoff({ startingDelay: 50 }).firstDelayMs()).toBe(0);
  });

  it("P1 a delay that would overflow the library's timer ends at 2^31-1 ms", () => {
    const policy = fromExponentialBackoff({
      startingDelay: 1000,
      timeMultiple: 10,
      numOfAttempts: 999,
    });
    expect(policy.nextDelayMs(500, "error")).toBe(2 ** 31 - 1);
    const still = fromExponentialBackoff({
      startingDelay: 0,
      timeMultiple: 10,
      numOfAttempts: 999,
    });
    expect(still.nextDelayMs(500, "error")).toBe(0);
  });

  it("P1 a retry that throws keeps the operation's error, and one that answers a promise says no", async () => {
    vi.spyOn(process, "emitWarning").mockReturnValue();
    const broken = fromExponentialBackoff({ retry: () => expect.unreachable("broken") });
    await expect(retry(failing(3), { policy: broken })).rejects.toBe("failure 1");
    const asking = (() => Promise.reject(new Error("late"))) as unknown as () => boolean;
    expect(askPolicy(fromExponentialBackoff({ retry: asking }), 1, "error")).toBeUndefined();
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });
});
