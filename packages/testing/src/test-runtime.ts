/// <reference lib="esnext.disposable" preserve="true" />
// A runtime for a test: on a fake clock, with chance from a seed, and a record of what happens.

import { invalidOption } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, type Lifecycle, type LifecycleOptions } from "@workerkit/lifecycle";
import { createRandom, readSeed, type SeededRandom } from "./doubles/random.ts";
import { expectNoTimers } from "./record/expect.ts";
import { type EventRecorder, recordEvents } from "./record/record-events.ts";

/** What a test runtime is created with: everything a runtime takes but its clock and its chance. */
export interface TestRuntimeOptions
  extends Omit<LifecycleOptions, "name" | "clock" | "random" | "onListenerError"> {
  /** Default `test`. */
  readonly name?: string | undefined;
  /** The seed of its chance. Default 1. */
  readonly seed?: number | undefined;
  /** The time of day at which it begins, in ms since 1970. Default the first moment of 2026. */
  readonly now?: number | undefined;
}

/** A runtime, and all that a test needs to drive and watch it. */
export interface TestRuntime extends AsyncDisposable {
  readonly runtime: Lifecycle;
  readonly clock: FakeClock;
  readonly random: SeededRandom;
  /** What happened, from the registration of the workers on. */
  readonly record: EventRecorder;
  /** What listeners of events threw. */
  readonly listenerErrors: readonly unknown[];
  /** Lets `byMs` pass, and everything that follows from it happen. */
  advance(byMs: number): Promise<void>;
  /** Lets time pass until a promise settles; a test that would hang fails with the timers that it waits on. */
  settle<T>(work: PromiseLike<T> | (() => PromiseLike<T> | T)): Promise<T>;
  /**
   * Shuts down within a day of fake time and expects that no timer is left, which would be a leak.
   * Rejects as `shutdown` does, and with an AssertionError that lists the timers.
   */
  end(): Promise<void>;
}

/** Creates a runtime for a test and registers its workers; nothing starts. Throws `INVALID_OPTION` or `INVALID_NAME`. */
export function createTestRuntime(options: TestRuntimeOptions = {}): TestRuntime {
  const { seed = 1, now, workers = [], name = "test", ...rest } = options;
  for (const key of ["clock", "random", "onListenerError"]) {
    const given = (rest as Readonly<Record<string, unknown>>)[key];
    if (given !== undefined) throw invalidOption(key, given, "nothing: a test runtime has its own");
  }
  const clock = createFakeClock({ now });
  const random = createRandom(readSeed(seed, "seed"));
  const listenerErrors: unknown[] = [];
  const runtime = createLifecycle({
    instanceId: `${name}-1`,
    ...rest,
    ...{ name, clock, random },
    onListenerError: (error) => listenerErrors.push(error),
  });
  // First the record, so that it begins with the registrations.
  const record = recordEvents(runtime);
  for (const worker of workers) runtime.register(worker);
  const end = async () => {
    await clock.settle(() => runtime.shutdown());
    expectNoTimers(clock, { unrefed: true });
  };
  return {
    ...{ runtime, clock, random, record, listenerErrors, end },
    advance: clock.advance,
    settle: clock.settle,
    [Symbol.asyncDispose]: end,
  };
}
