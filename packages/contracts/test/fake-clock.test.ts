import { sleep } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { afterEach, describe, expect, it, vi } from "vitest";
import { recorder } from "./recorder.ts";

const ONE_DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

describe("createFakeClock", () => {
  it("stands still at the first moment of 2026, or where it is told", () => {
    const clock = createFakeClock();
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1));
    expect(clock.monotonicMs()).toBe(0);
    expect(createFakeClock({ now: 5 }).now()).toBe(5);
    expect(createFakeClock({ now: undefined }).now()).toBe(Date.UTC(2026, 0, 1));
  });

  it.each([
    ["now", { now: Number.NaN }],
    ["now", { now: Number.POSITIVE_INFINITY }],
    ["now", { now: "2026-01-01" }],
    ["now", { now: new Date() }],
    ["start", { start: 5 }],
    ["options", 5],
  ])("N4 refuses a wrong %s", (path, options) => {
    expect(() => createFakeClock(options as { now: number })).toThrowError(
      expect.objectContaining({
        code: "INVALID_OPTION",
        details: expect.objectContaining({ path }),
      }),
    );
  });
});

describe("advance", () => {
  it("fires the timers due, in the order they fall due, and of one moment in the order they were set", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("c", 30);
    timer("a", 10);
    timer("b", 20);
    timer("also a", 10);
    timer("d", 31);
    await clock.advance(30);
    expect(log).toEqual(["a at 10", "also a at 10", "b at 20", "c at 30"]);
    expect(clock.monotonicMs()).toBe(30);
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1) + 30);
  });

  it("fires timers that are set on the way, and calls back without arguments", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("first", 10, () => timer("second", 10, () => timer("third", 11)));
    const plain = vi.fn();
    clock.setTimeout(plain, 5);
    await clock.advance(30);
    expect(log).toEqual(["first at 10", "second at 20"]);
    expect(plain.mock.calls).toEqual([[]]);
  });

  it.each([Number.NaN, -5, 0, 0.4])(
    "lets a timer of %d wait 1 ms, as Node does",
    async (delayMs) => {
      const clock = createFakeClock();
      const { log, timer } = recorder(clock);
      timer("soon", delayMs);
      await clock.advance(0);
      expect(log).toEqual([]);
      await clock.advance(1);
      expect(log).toEqual(["soon at 1"]);
    },
  );

  it("never fires a timer of Infinity", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("never", Number.POSITIVE_INFINITY);
    await clock.advance(1000 * ONE_DAY_MS);
    const never = new Promise<never>(() => {});
    const waiting = clock.settle(never, { withinMs: Number.POSITIVE_INFINITY });
    await expect(waiting).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(log).toEqual([]);
    expect(clock.monotonicMs()).toBe(1000 * ONE_DAY_MS);
  });

  it("lets chains of promises of any length run out before the next timer", async () => {
    const clock = createFakeClock();
    const log: string[] = [];
    const chain = async (name: string, ticks: number) => {
      for (let i = 0; i < ticks; i++) await undefined;
      await new Promise<void>((resolve) => process.nextTick(resolve));
      for (let i = 0; i < ticks; i++) await undefined;
      log.push(name);
    };
    clock.setTimeout(() => void chain("long", 10_000), 10);
    clock.setTimeout(() => void chain("short", 1), 11);
    await clock.advance(11);
    expect(log).toEqual(["long", "short"]);
  });

  it("lets what was begun before the call run out before time passes", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    const work = async () => {
      for (let i = 0; i < 100; i++) await undefined;
      timer("set late", 5);
    };
    void work();
    await clock.advance(5);
    expect(log).toEqual(["set late at 5"]);
  });

  it("takes turns with other calls", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("a", 5);
    timer("b", 15);
    const at: number[] = [];
    const call = async (byMs: number) => {
      await clock.advance(byMs);
      at.push(clock.monotonicMs());
    };
    await Promise.all([call(10), call(10), call(0), call(10)]);
    expect(at).toEqual([10, 20, 20, 30]);
    expect(log).toEqual(["a at 5", "b at 15"]);
  });

  it("may be called from inside a timer's callback: it has its turn afterwards", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    let inner: Promise<void> | undefined;
    timer("outer", 10, () => {
      inner = clock.advance(50);
    });
    timer("next", 20);
    timer("later", 120);
    await clock.advance(100);
    expect(log).toEqual(["outer at 10", "next at 20"]);
    await inner;
    expect(clock.monotonicMs()).toBe(150);
    expect(log).toEqual(["outer at 10", "next at 20", "later at 120"]);
  });

  it("rejects with what a callback throws, at that moment, and goes on at the next call", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    const thrown = new Error("from a callback");
    timer("bad", 10, () => {
      throw thrown;
    });
    timer("good", 10);
    await expect(clock.advance(100)).rejects.toBe(thrown);
    expect(clock.monotonicMs()).toBe(10);
    await clock.advance(5);
    expect(log).toEqual(["bad at 10", "good at 10"]);
    expect(clock.monotonicMs()).toBe(15);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "5", undefined])(
    "N4 rejects advancing by %s, and moves nothing",
    async (byMs) => {
      const clock = createFakeClock();
      await expect(clock.advance(byMs as number)).rejects.toMatchObject({
        code: "INVALID_OPTION",
        details: { path: "byMs" },
      });
      expect(clock.monotonicMs()).toBe(0);
    },
  );

  it("gives the same order every time", async () => {
    const run = async () => {
      const clock = createFakeClock();
      const log: string[] = [];
      let seed = 42;
      const next = (below: number) => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return seed % below;
      };
      const actor = async (name: number) => {
        for (let round = 0; round < 20; round++) {
          await sleep(clock, next(30));
          for (let i = next(5); i > 0; i--) await undefined;
          log.push(`${name}.${round} at ${clock.monotonicMs()}`);
        }
      };
      await clock.settle(Promise.all(Array.from({ length: 10 }, (_, name) => actor(name))));
      return log.join("\n");
    };
    const first = await run();
    expect(first.split("\n")).toHaveLength(200);
    for (let i = 1; i < 100; i++) expect(await run()).toBe(first);
  });

  it("goes on while a test has replaced the global timers", async () => {
    vi.useFakeTimers();
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("a", 10);
    await clock.advance(10);
    expect(log).toEqual(["a at 10"]);
  });
});

describe("flush", () => {
  it("lets all work run out that waits for no timer, and passes no time", async () => {
    const clock = createFakeClock();
    const log: string[] = [];
    const work = async () => {
      for (let i = 0; i < 10_000; i++) await undefined;
      log.push("ran out");
      await sleep(clock, 1);
      log.push("woke");
    };
    void work();
    await clock.flush();
    expect(log).toEqual(["ran out"]);
    expect(clock.monotonicMs()).toBe(0);
  });
});

describe("jump and block", () => {
  it("jump moves the time of day alone, both ways", async () => {
    const clock = createFakeClock({ now: 1_000_000 });
    const { log, timer } = recorder(clock);
    timer("a", 10);
    clock.jump(-500_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([500_000, 0]);
    clock.jump(3_600_000);
    await clock.advance(9);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(["a at 10"]);
    expect(clock.now()).toBe(1_000_000 + 3_100_000 + 10);
  });

  it("block lets timers fire late, in their order, as soon as the clock goes on", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("b", 20);
    timer("a", 10);
    clock.block(10_000);
    expect(log).toEqual([]);
    expect(clock.pending().map(({ inMs }) => inMs)).toEqual([-9990, -9980]);
    await clock.flush();
    expect(log).toEqual([]);
    await clock.advance(0);
    expect(log).toEqual(["a at 10000", "b at 10000"]);
  });

  it("block inside a callback makes the timers behind it late, in the same call", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    timer("blocks", 10, () => clock.block(10_000));
    timer("late", 500);
    timer("after", 10_200);
    await clock.advance(100);
    expect(log).toEqual(["blocks at 10", "late at 10010"]);
    expect(clock.monotonicMs()).toBe(10_010);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, "5"])("N4 refuse %s", (byMs) => {
    const clock = createFakeClock();
    expect(() => clock.jump(byMs as number)).toThrow("byMs is");
    expect(() => clock.block(byMs as number)).toThrow("byMs is");
    expect(() => clock.block(-1)).toThrow("byMs is -1: expected a finite number of ms, 0 or more");
    expect([clock.now(), clock.monotonicMs()]).toEqual([Date.UTC(2026, 0, 1), 0]);
  });

  it("tells the time of day in whole ms", async () => {
    const clock = createFakeClock();
    await clock.advance(0.75);
    expect(clock.monotonicMs()).toBe(0.75);
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1));
  });
});

describe("pending", () => {
  it("lists the timers, the next one first, by label or function name, with their hold on the process", () => {
    const clock = createFakeClock();
    clock.setTimeout(function heartbeat() {}, 30);
    clock.setTimeout(() => {}, 10, { label: "the backoff of orders", ref: false });
    const timer = clock.setTimeout(() => {}, 20);
    timer.unref();
    expect(clock.pending()).toEqual([
      { label: "the backoff of orders", inMs: 10, refed: false },
      { label: "a timer", inMs: 20, refed: false },
      { label: "heartbeat", inMs: 30, refed: true },
    ]);
    timer.ref();
    expect(clock.pending()[1]?.refed).toBe(true);
  });

  it("forgets a timer that is cleared or fired, and an unrefed one fires like any other", async () => {
    const clock = createFakeClock();
    const { log, timer } = recorder(clock);
    const cleared = timer("cleared", 10);
    const fired = timer("fired", 10);
    fired.unref();
    clock.clearTimeout(cleared);
    clock.clearTimeout(undefined);
    await clock.advance(10);
    expect(log).toEqual(["fired at 10"]);
    clock.clearTimeout(cleared);
    clock.clearTimeout(fired);
    expect(clock.pending()).toEqual([]);
  });

  it("is not changed by clearing another clock's timer", () => {
    const [one, two] = [createFakeClock(), createFakeClock()];
    one.setTimeout(() => {}, 10);
    const foreign = two.setTimeout(() => {}, 20);
    one.clearTimeout(foreign);
    expect([one.pending().length, two.pending().length]).toEqual([1, 1]);
  });

  it("N4 refuses a callback that is none when it is set, not when it fires", () => {
    const clock = createFakeClock();
    expect(() => clock.setTimeout("now" as unknown as () => void, 5)).toThrow(
      'callback is "now": expected a function',
    );
    expect(clock.pending()).toEqual([]);
  });
});
