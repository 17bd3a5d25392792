import { getEventListeners } from "node:events";
import { type ClockTimer, readClock, sleep, systemClock } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { afterEach, describe, expect, it, vi } from "vitest";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const ONE_HOUR_MS = 3_600_000;

/** How many real timers keep this process alive. */
const refedTimers = () =>
  process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;

const listenersOn = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("systemClock", () => {
  it("tells the time of day and a time that never goes back", () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    const earlier = systemClock.monotonicMs();
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(earlier);
    expect(Math.abs(systemClock.monotonicMs() - performance.now())).toBeLessThan(1000);
  });

  // Real time, since this is the one clock that waits for it.
  it("calls back once, without arguments, and sleeps", async () => {
    const callback = vi.fn();
    systemClock.setTimeout(callback, 1);
    await sleep(systemClock, 20);
    expect(callback.mock.calls).toEqual([[]]);
  });

  it.each([
    ["a short", ONE_HOUR_MS],
    ["a long", 3 * LONGEST_TIMER_MS],
    ["an endless", Number.POSITIVE_INFINITY],
  ])("lets %s timer hold the process unless it is told otherwise", (_, delayMs) => {
    const before = refedTimers();
    const held = systemClock.setTimeout(() => {}, delayMs);
    const free = systemClock.setTimeout(() => {}, delayMs, { ref: false });
    expect(refedTimers() - before).toBe(1);
    held.unref();
    expect(refedTimers() - before).toBe(0);
    free.ref();
    held.ref();
    expect(refedTimers() - before).toBe(2);
    systemClock.clearTimeout(held);
    systemClock.clearTimeout(free);
    expect(refedTimers() - before).toBe(0);
  });

  it("waits beyond the longest timer of Node without its overflow warning", () => {
    const warned = vi.spyOn(process, "emitWarning").mockReturnValue();
    for (const delayMs of [LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, Number.POSITIVE_INFINITY]) {
      systemClock.clearTimeout(systemClock.setTimeout(() => {}, delayMs));
    }
    expect(warned).not.toHaveBeenCalled();
    clearTimeout(setTimeout(() => {}, LONGEST_TIMER_MS + 1));
    expect(warned).toHaveBeenCalledTimes(1);
  });

  it("waits at least 1 ms, and never asks Node for a delay it would warn of", () => {
    const asked = vi.spyOn(globalThis, "setTimeout");
    for (const delayMs of [-5, 0, 0.5, Number.NaN, Number.NEGATIVE_INFINITY, 7]) {
      systemClock.clearTimeout(systemClock.setTimeout(() => {}, delayMs));
    }
    expect(asked.mock.calls.map(([, delayMs]) => delayMs)).toEqual([1, 1, 1, 1, 1, 7]);
  });

  // Vitest's own fake timers, since a real wait of 50 days has no place in a test.
  it("fires a timer of 50 days after 50 days, in legs that Node can count, once", () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    const delayMs = 2 * LONGEST_TIMER_MS + 5;
    systemClock.setTimeout(callback, delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback.mock.calls).toEqual([[]]);
    vi.advanceTimersByTime(3 * LONGEST_TIMER_MS);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps its hold on the process, or none, over the legs of a long timer, and clears it in any", () => {
    vi.useFakeTimers();
    const callback = vi.fn();
    const timer = systemClock.setTimeout(callback, 4 * LONGEST_TIMER_MS, { ref: false });
    const legs = vi.spyOn(globalThis, "setTimeout");
    const nextLegHolds = () => {
      vi.advanceTimersByTime(LONGEST_TIMER_MS);
      const leg: unknown = legs.mock.results.at(-1)?.value;
      return (leg as NodeJS.Timeout).hasRef();
    };
    expect(nextLegHolds()).toBe(false);
    timer.ref();
    expect(nextLegHolds()).toBe(true);
    timer.unref();
    expect(nextLegHolds()).toBe(false);
    expect(legs).toHaveBeenCalledTimes(3);
    systemClock.clearTimeout(timer);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(3 * LONGEST_TIMER_MS);
    expect(callback).not.toHaveBeenCalled();
  });

  it("ignores a timer that is missing, cleared already or not its own", () => {
    const cleared = systemClock.setTimeout(() => {}, ONE_HOUR_MS);
    systemClock.clearTimeout(cleared);
    const foreign: ClockTimer = { ref() {}, unref() {} };
    expect(() => {
      systemClock.clearTimeout(undefined);
      systemClock.clearTimeout(cleared);
      systemClock.clearTimeout(foreign);
    }).not.toThrow();
  });
});

describe("sleep", () => {
  it("resolves when its time on the clock has passed, not before", async () => {
    const clock = createFakeClock();
    const woke = vi.fn();
    sleep(clock, ONE_HOUR_MS).then(woke);
    await clock.advance(ONE_HOUR_MS - 1);
    expect(woke).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(woke).toHaveBeenCalledTimes(1);
  });

  it("rejects with the signal's own reason, and leaves neither timer nor listener behind", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 1000, controller.signal);
    expect([clock.pending().length, listenersOn(controller.signal)]).toEqual([1, 1]);
    const reason = { any: "thing" };
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect([clock.pending().length, listenersOn(controller.signal)]).toEqual([0, 0]);
  });

  it("leaves no listener behind when its time has passed", async () => {
    const clock = createFakeClock();
    const { signal } = new AbortController();
    await clock.settle(sleep(clock, 1000, signal));
    expect(listenersOn(signal)).toBe(0);
  });

  it("sets nothing when the signal has aborted already", async () => {
    const clock = createFakeClock();
    const setTimer = vi.spyOn(clock, "setTimeout");
    const reason = new Error("too late");
    const sleeping = sleep(clock, 1000, AbortSignal.abort(reason));
    expect(setTimer).not.toHaveBeenCalled();
    await expect(sleeping).rejects.toBe(reason);
  });

  it("waits for the signal alone when it is to last for ever", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, Number.POSITIVE_INFINITY, controller.signal);
    expect(clock.pending()).toEqual([]);
    controller.abort("woken");
    await expect(sleeping).rejects.toBe("woken");
  });

  it.each([-1, 0, Number.NEGATIVE_INFINITY])("counts %d as 1 ms", async (delayMs) => {
    const clock = createFakeClock();
    await clock.settle(sleep(clock, delayMs));
    expect(clock.monotonicMs()).toBe(1);
  });

  it.each([Number.NaN, "5", undefined, null, 5n])(
    "N4 rejects a delay of %s, and sets nothing",
    async (delayMs) => {
      const clock = createFakeClock();
      await expect(sleep(clock, delayMs as number)).rejects.toMatchObject({
        code: "INVALID_OPTION",
        details: { path: "delayMs" },
      });
      expect(clock.pending()).toEqual([]);
    },
  );

  it("passes label and ref on to the timer", () => {
    const clock = createFakeClock();
    void sleep(clock, 5, undefined, { ref: false, label: "the backoff of orders" });
    expect(clock.pending()).toEqual([{ label: "the backoff of orders", inMs: 5, refed: false }]);
  });

  it("keeps one listener for 100 000 sleepers on one signal, and wakes them all", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const sleeping: Promise<void>[] = [];
    for (let i = 0; i < 100_000; i++) sleeping.push(sleep(clock, 1 + (i % 7), controller.signal));
    expect(listenersOn(controller.signal)).toBe(1);
    const results = Promise.allSettled(sleeping);
    controller.abort(new Error("all up"));
    expect((await results).every(({ status }) => status === "rejected")).toBe(true);
    expect([clock.pending().length, listenersOn(controller.signal)]).toEqual([0, 0]);
  });
});

describe("readClock", () => {
  it.each([null, undefined, 5, "now", {}, { ...systemClock, now: undefined }])(
    "N4 refuses %o, which is no clock",
    (value) => {
      expect(() => readClock(value, "clock")).toThrowError(
        expect.objectContaining({
          code: "INVALID_OPTION",
          message: expect.stringContaining("clock is "),
        }),
      );
    },
  );

  it("reads a clock of any make as it is", () => {
    const clock = { ...systemClock };
    expect(readClock(clock, "clock")).toBe(clock);
  });
});
