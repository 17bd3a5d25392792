import { isWorkerkitError, sleep } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { describe, expect, it, vi } from "vitest";
import { recorder } from "./recorder.ts";

const ONE_DAY_MS = 86_400_000;
const never = new Promise<never>(() => {});

describe("settle", () => {
  it("advances just as far as a promise needs, and settles like it", async () => {
    const clock = createFakeClock();
    clock.setTimeout(() => {}, 5000);
    const value = await clock.settle(sleep(clock, 1000).then(() => "value"));
    expect(value).toBe("value");
    expect(clock.monotonicMs()).toBe(1000);
    const reason = { any: "thing" };
    const failing = async () => {
      await sleep(clock, 1000);
      throw reason;
    };
    await expect(clock.settle(failing)).rejects.toBe(reason);
    expect(clock.monotonicMs()).toBe(2000);
  });

  it("takes a promise, a thenable, a function of either, or one that returns or throws at once", async () => {
    const clock = createFakeClock();
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    const thenable = { then: (resolve: (value: string) => void) => resolve("thenable") };
    expect(await clock.settle(Promise.resolve("promise"))).toBe("promise");
    expect(await clock.settle(thenable as PromiseLike<string>)).toBe("thenable");
    expect(await clock.settle(() => sleep(clock, 5).then(() => "function"))).toBe("function");
    expect(await clock.settle(() => "at once")).toBe("at once");
    const throwing = () => {
      throw new Error("at once");
    };
    await expect(clock.settle(throwing)).rejects.toThrow("at once");
    expect(clock.monotonicMs()).toBe(5);
  });

  it("says at once that no timer is left", async () => {
    const clock = createFakeClock();
    await expect(clock.settle(never)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: "the promise did not settle: no timer is set, so it would wait for ever",
      details: { pending: [] },
    });
  });

  it("lists the timers that are set when its time is over", async () => {
    const clock = createFakeClock();
    for (let i = 0; i < 12; i++) {
      clock.setTimeout(() => {}, 2 * ONE_DAY_MS + i, { label: `the backoff of worker ${i}` });
    }
    const error: unknown = await clock.settle(never).catch((reason: unknown) => reason);
    if (!isWorkerkitError(error, "TIMEOUT")) throw error;
    expect(error.message).toContain(
      "waiting on 12 timers: the backoff of worker 0 in 172800000 ms, ",
    );
    expect(error.message).toMatch(/worker 9 in 172800009 ms, and 2 more$/);
    expect(error.details.pending).toHaveLength(12);
  });

  it("gives up after a day of timers, or after withinMs", async () => {
    const ticking = (clock: FakeClock) => {
      const tick = () => clock.setTimeout(tick, 3_600_000);
      tick();
      return clock;
    };
    const day = ticking(createFakeClock());
    await expect(day.settle(never)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(day.monotonicMs()).toBe(ONE_DAY_MS);
    const hours = ticking(createFakeClock());
    const limit = { withinMs: 2 * 3_600_000 };
    await expect(hours.settle(never, limit)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(hours.monotonicMs()).toBe(2 * 3_600_000);
  });

  it("N4 refuses a wrong withinMs before it begins the work", async () => {
    const clock = createFakeClock();
    const work = vi.fn();
    await expect(clock.settle(work, { withinMs: -1 })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect(work).not.toHaveBeenCalled();
  });

  it("lets the work advance, flush and settle the same clock", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("first", 10);
    timer("second", 25);
    const value = await clock.settle(async () => {
      await clock.advance(20);
      log.push(`advanced to ${clock.monotonicMs()}`);
      await clock.flush();
      await clock.flush();
      const inner = await clock.settle(async () => {
        await clock.settle(Promise.resolve());
        await sleep(clock, 10);
        return clock.monotonicMs();
      });
      await clock.advance(100);
      await sleep(clock, 5);
      return [inner, clock.monotonicMs()];
    });
    expect(value).toEqual([30, 135]);
    expect(log).toEqual(["first at 10", "advanced to 20", "second at 25"]);
  });

  it("settles several promises side by side, each in its time", async () => {
    const clock = createFakeClock();
    const at = async (delayMs: number) => {
      await clock.settle(sleep(clock, delayMs));
      return clock.monotonicMs();
    };
    expect(await Promise.all([at(30), at(10), at(20)])).toEqual([30, 10, 20]);
  });

  it("gives up on promises side by side, and on one inside another, that never settle", async () => {
    const clock = createFakeClock();
    const stuck = { code: "TIMEOUT" };
    const both = await Promise.allSettled([clock.settle(never), clock.settle(never)]);
    expect(both).toMatchObject([{ reason: stuck }, { reason: stuck }]);
    await expect(clock.settle(() => clock.settle(never))).rejects.toMatchObject(stuck);
  });

  it("gives up on work that advances the clock for ever", async () => {
    const clock = createFakeClock();
    let going = true;
    const work = async () => {
      while (going) await clock.advance(3_600_000);
    };
    await expect(clock.settle(work)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(ONE_DAY_MS);
    going = false;
    await clock.flush();
  });

  it("may be called from inside a timer's callback while the clock advances", async () => {
    const clock = createFakeClock();
    let inner: Promise<void> | undefined;
    clock.setTimeout(() => {
      inner = clock.settle(sleep(clock, 200));
    }, 10);
    await clock.advance(100);
    await inner;
    expect(clock.monotonicMs()).toBe(210);
  });

  it("rejects with what a callback throws", async () => {
    const clock = createFakeClock();
    const thrown = new Error("from a callback");
    clock.setTimeout(() => {
      throw thrown;
    }, 10);
    await expect(clock.settle(sleep(clock, 20))).rejects.toBe(thrown);
    expect(clock.monotonicMs()).toBe(10);
  });
});
