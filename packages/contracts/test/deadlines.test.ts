import { type Clock, type ClockTimer, Deadline, Deadlines } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { describe, expect, it } from "vitest";

class Limit extends Deadline {
  readonly #then: () => void;

  constructor(then: () => void = () => {}) {
    super();
    this.#then = then;
  }

  onDeadline(): void {
    this.#then();
  }
}

/** A clock that counts what is asked of it. */
function countingClock(
  inner: FakeClock,
): Clock & { readonly asked: { set: number; clear: number } } {
  const asked = { set: 0, clear: 0 };
  return {
    asked,
    now: inner.now,
    monotonicMs: inner.monotonicMs,
    setTimeout(callback, delayMs, options) {
      asked.set++;
      return inner.setTimeout(callback, delayMs, options);
    },
    clearTimeout(timer) {
      asked.clear++;
      inner.clearTimeout(timer);
    },
  };
}

function setUp() {
  const clock = createFakeClock();
  const deadlines = new Deadlines(clock, "limits");
  const fired: string[] = [];
  const limit = (name: string, then: () => void = () => {}) =>
    new Limit(() => {
      fired.push(`${name} at ${clock.monotonicMs()}`);
      then();
    });
  return { clock, deadlines, fired, limit };
}

describe("Deadlines", () => {
  it("L13 lets each deadline fall due once, after its own limit", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    deadlines.set(limit("slow"), 100);
    deadlines.set(limit("fast"), 10);
    await clock.advance(5);
    deadlines.set(limit("second fast"), 10);
    await clock.advance(1000);
    expect(fired).toEqual(["fast at 10", "second fast at 15", "slow at 100"]);
    expect(clock.pending()).toEqual([]);
  });

  it("sets one timer for 100 000 deadlines that come and go, and no other for those that stay", () => {
    const clock = createFakeClock();
    const counting = countingClock(clock);
    const deadlines = new Deadlines(counting, "limits");
    for (let i = 0; i < 100_000; i++) {
      const passing = new Limit();
      deadlines.set(passing, 30_000);
      deadlines.clear(passing);
    }
    const staying: Limit[] = [];
    for (let i = 0; i < 100_000; i++) {
      const stays = new Limit();
      deadlines.set(stays, 30_000);
      staying.push(stays);
    }
    for (const stays of staying) deadlines.clear(stays);
    expect(counting.asked).toEqual({ set: 1, clear: 0 });
    expect(clock.pending()).toHaveLength(1);
    deadlines.release();
    expect(counting.asked).toEqual({ set: 1, clear: 1 });
    expect(clock.pending()).toEqual([]);
  });

  it("holds the process only while a deadline is set", () => {
    const { clock, deadlines, limit } = setUp();
    const refed = () => clock.pending().map((timer) => timer.refed);
    const [first, second] = [limit("first"), limit("second")];
    deadlines.set(first, 10);
    deadlines.set(second, 10);
    expect(refed()).toEqual([true]);
    deadlines.clear(first);
    expect(refed()).toEqual([true]);
    deadlines.clear(second);
    expect(refed()).toEqual([false]);
    deadlines.set(first, 10);
    expect(refed()).toEqual([true]);
  });

  it("labels its timers", () => {
    const { clock, deadlines, limit } = setUp();
    deadlines.set(limit("one"), 10);
    expect(clock.pending()).toEqual([{ label: "limits", inMs: 10, refed: true }]);
  });

  it("lets a timer that outlived its deadline serve the next one, at its own time", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const early = limit("early");
    deadlines.set(early, 10);
    await clock.advance(6);
    deadlines.clear(early);
    deadlines.set(limit("late"), 10);
    await clock.advance(20);
    expect(fired).toEqual(["late at 16"]);
  });

  it("drops an unused timer when it fires", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const cleared = limit("cleared");
    deadlines.set(cleared, 10);
    deadlines.clear(cleared);
    deadlines.clear(cleared);
    await clock.advance(10);
    expect(fired).toEqual([]);
    expect(clock.pending()).toEqual([]);
  });

  it("moves a deadline that is set again", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const [moved, later, same] = [limit("moved"), limit("later"), limit("same")];
    deadlines.set(moved, 10);
    deadlines.set(later, 20);
    deadlines.set(same, 10);
    deadlines.set(moved, 30);
    await clock.advance(5);
    deadlines.set(later, 10);
    deadlines.set(same, 10);
    await clock.advance(100);
    expect(fired).toEqual(["later at 15", "same at 15", "moved at 30"]);
  });

  it("takes a deadline back when it is set to Infinity", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const endless = limit("endless");
    deadlines.set(endless, Number.POSITIVE_INFINITY);
    expect(clock.pending()).toEqual([]);
    deadlines.set(endless, 10);
    deadlines.set(endless, Number.POSITIVE_INFINITY);
    await clock.advance(1000);
    expect(fired).toEqual([]);
  });

  it("serves the rest in order when deadlines are taken from the front, the middle and the end", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const all = ["a", "b", "c", "d", "e"].map((name) => limit(name));
    for (const each of all) deadlines.set(each, 10);
    for (const gone of [all[0], all[2], all[4], all[2], all[4], all[0]]) {
      if (gone !== undefined) deadlines.clear(gone);
    }
    await clock.advance(10);
    expect(fired).toEqual(["b at 10", "d at 10"]);
  });

  it("spares a deadline that another one clears or moves while both fall due", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const [cleared, moved] = [limit("cleared"), limit("moved")];
    deadlines.set(
      limit("first", () => {
        deadlines.clear(cleared);
        deadlines.set(moved, 10);
      }),
      10,
    );
    deadlines.set(cleared, 10);
    deadlines.set(moved, 10);
    deadlines.set(limit("last"), 10);
    await clock.advance(100);
    expect(fired).toEqual(["first at 10", "last at 10", "moved at 20"]);
    expect(clock.pending()).toEqual([]);
  });

  it("lets a deadline set itself anew while it fires, even to no time at all", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    let left = 3;
    const again = limit("again", () => {
      if (left-- > 0) deadlines.set(again, 0);
    });
    deadlines.set(again, 0);
    await clock.advance(1);
    expect(clock.pending()).toHaveLength(1);
    await clock.advance(100);
    expect(fired).toEqual(["again at 1", "again at 2", "again at 3", "again at 4"]);
    expect(clock.pending()).toEqual([]);
  });

  it.each([-5, 0, 0.25, Number.NaN])("counts a limit of %d as 1 ms", async (afterMs) => {
    const { clock, deadlines, fired, limit } = setUp();
    deadlines.set(limit("soon"), afterMs);
    await clock.advance(10);
    expect(fired).toEqual(["soon at 1"]);
    expect(clock.pending()).toEqual([]);
  });

  it("release spares the timer of a deadline that is set", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    deadlines.set(limit("set"), 10);
    const cleared = limit("cleared");
    deadlines.set(cleared, 20);
    deadlines.clear(cleared);
    deadlines.release();
    expect(clock.pending()).toHaveLength(1);
    await clock.advance(10);
    expect(fired).toEqual(["set at 10"]);
  });

  it("leaves no timer behind when one deadline releases, sets and clears others while it fires", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const [kept, gone] = [limit("kept"), limit("gone")];
    deadlines.set(
      limit("first", () => {
        deadlines.release();
        deadlines.set(gone, 10);
        deadlines.set(kept, 10);
        deadlines.clear(gone);
      }),
      10,
    );
    await clock.advance(10);
    expect(clock.pending()).toHaveLength(1);
    deadlines.clear(kept);
    deadlines.release();
    expect(clock.pending()).toEqual([]);
    expect(fired).toEqual(["first at 10"]);
  });

  it("lets a deadline that throws starve no other, and throws its error from the clock's timer", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const thrown = new Error("from a deadline");
    deadlines.set(
      limit("bad", () => {
        throw thrown;
      }),
      10,
    );
    deadlines.set(limit("good"), 10);
    await expect(clock.advance(100)).rejects.toBe(thrown);
    deadlines.set(limit("next"), 10);
    await clock.advance(100);
    expect(fired).toEqual(["bad at 10", "good at 11", "next at 20"]);
    expect(clock.pending()).toEqual([]);
  });

  it("fires every deadline that has passed behind a blocked event loop, each in its order", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    deadlines.set(limit("a"), 10);
    await clock.advance(5);
    deadlines.set(limit("b"), 10);
    clock.block(10_000);
    deadlines.set(limit("c"), 10);
    await clock.advance(10);
    expect(fired).toEqual(["a at 10005", "b at 10005", "c at 10015"]);
  });

  it("fires nothing early when its timer does", () => {
    const timers: (() => void)[] = [];
    let monotonicMs = 0;
    const timer: ClockTimer = { ref() {}, unref() {} };
    const clock: Clock = {
      now: () => 0,
      monotonicMs: () => monotonicMs,
      setTimeout(callback) {
        timers.push(callback);
        return timer;
      },
      clearTimeout() {},
    };
    const deadlines = new Deadlines(clock, "limits");
    let fired = 0;
    deadlines.set(
      new Limit(() => {
        fired++;
      }),
      10,
    );
    // Node's timers count in whole ms of the event loop, and so may run a fraction of one ahead of the clock.
    monotonicMs = 9.4;
    timers.shift()?.();
    expect([fired, timers.length]).toEqual([0, 1]);
    monotonicMs = 10.4;
    timers.shift()?.();
    expect([fired, timers.length]).toEqual([1, 0]);
  });

  it("keeps few idle timers for limits that were computed and never come back", () => {
    const { clock, deadlines, limit } = setUp();
    for (let i = 0; i < 10_000; i++) {
      const passing = limit("passing");
      deadlines.set(passing, 10_000 + i / 7);
      deadlines.clear(passing);
    }
    expect(clock.pending().length).toBeLessThan(50);
  });

  it("moves a deadline from the clock of one list to that of another", async () => {
    const { clock, deadlines, fired, limit } = setUp();
    const other = new Deadlines(clock, "others");
    const wanderer = limit("wanderer");
    deadlines.set(wanderer, 10);
    other.set(wanderer, 20);
    await clock.advance(100);
    expect(fired).toEqual(["wanderer at 20"]);
  });
});
