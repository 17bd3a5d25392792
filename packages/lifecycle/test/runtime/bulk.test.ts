import { isWorkerkitError } from "@workerkit/contracts";
import type { Lifecycle } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { type Crew, crew } from "./crew.ts";
import { type Held, held, outcomeOf } from "./held.ts";

const KINDS = ["startAll", "drainAll", "stopAll", "shutdown"] as const;
type Kind = (typeof KINDS)[number];

const call = (runtime: Lifecycle, kind: Kind): Promise<unknown> => runtime[kind]();

const show = (value: unknown) => (isWorkerkitError(value) ? value.code : value);

/** A runtime of two workers, one upon the other, with an operation in flight that waits for a hook. */
async function inFlight(
  kind: Kind,
): Promise<Crew & { readonly hook: Held; readonly first: { readonly value: unknown } }> {
  const hook = held();
  const which = kind === "startAll" ? "start" : kind === "drainAll" ? "drain" : "stop";
  let times = 0;
  const once = () => {
    times += 1;
    return times === 1 ? hook.hook() : undefined;
  };
  const it = crew({ db: {}, api: { dependsOn: ["db"], [which]: once } });
  if (kind !== "startAll") await it.runtime.startAll();
  const first = outcomeOf(call(it.runtime, kind));
  await it.settled();
  expect(first.value).toBe(undefined);
  return { ...it, hook, first };
}

/**
 * What becomes of the operation in flight and of the one that is called then: at once, and when the hook has ended.
 * Undefined: it still waits.
 */
type Row = readonly [
  first: Kind,
  second: Kind,
  atOnce: readonly [first: unknown, second: unknown],
  inTheEnd: readonly [first: unknown, second: unknown],
  states: string,
];

const waits = undefined;
const done = "resolved";
const running = "db running, api running";
const draining = "db draining, api draining";
const stopped = "db stopped, api stopped";

const TABLE: readonly Row[] = [
  ["startAll", "startAll", [waits, waits], [done, done], running],
  ["startAll", "drainAll", [waits, waits], [done, done], draining],
  ["startAll", "stopAll", ["INTERRUPTED", waits], ["INTERRUPTED", done], stopped],
  ["startAll", "shutdown", ["INTERRUPTED", waits], ["INTERRUPTED", done], stopped],
  ["drainAll", "startAll", [waits, waits], [done, "INVALID_WORKER_STATE"], draining],
  ["drainAll", "drainAll", [waits, waits], [done, done], draining],
  ["drainAll", "stopAll", [waits, waits], [done, done], stopped],
  ["drainAll", "shutdown", [waits, waits], [done, done], stopped],
  ["stopAll", "startAll", [waits, waits], [done, done], running],
  ["stopAll", "drainAll", [waits, waits], [done, done], stopped],
  ["stopAll", "stopAll", [waits, waits], [done, done], stopped],
  ["stopAll", "shutdown", [waits, waits], [done, done], stopped],
  [
    "shutdown",
    "startAll",
    [waits, "INVALID_RUNTIME_STATE"],
    [done, "INVALID_RUNTIME_STATE"],
    stopped,
  ],
  ["shutdown", "drainAll", [waits, waits], [done, done], stopped],
  ["shutdown", "stopAll", [waits, waits], [done, done], stopped],
  ["shutdown", "shutdown", [waits, waits], [done, done], stopped],
];

describe("two operations on all workers", () => {
  it("are all in the table", () => {
    const pairs = KINDS.flatMap((first) => KINDS.map((second) => `${first} ${second}`));
    expect(TABLE.map(([first, second]) => `${first} ${second}`)).toEqual(pairs);
  });

  it.each(TABLE)("B6 %s in flight, then %s", async (kind, other, atOnce, inTheEnd, states) => {
    const it = await inFlight(kind);
    const second = outcomeOf(call(it.runtime, other));
    await it.clock.flush();
    expect([show(it.first.value), show(second.value)]).toEqual(atOnce);
    it.hook.open();
    await it.clock.flush();
    expect([show(it.first.value), show(second.value)]).toEqual(inTheEnd);
    expect(it.states()).toBe(states);
    await it.end();
  });

  it.each(TABLE)(
    "B6 %s and %s in one tick: the hooks of no worker run twice",
    async (first, second) => {
      const it = crew({ db: {}, api: { dependsOn: ["db"] } });
      if (first !== "startAll") await it.runtime.startAll();
      await it.settled();
      const both = [outcomeOf(call(it.runtime, first)), outcomeOf(call(it.runtime, second))];
      await it.clock.flush();
      expect(both.every(({ value }) => value !== undefined)).toBe(true);
      const twice = it.calls.filter((one, index) => it.calls.indexOf(one) !== index);
      expect(twice).toEqual([]);
      await it.end();
    },
  );
});

describe("what waits its turn", () => {
  it.each(["stopAll", "shutdown"] as const)(
    "B6 behind a stopAll is interrupted by a further %s, and never begins",
    async (end) => {
      const it = await inFlight("stopAll");
      const waiting = [outcomeOf(it.runtime.startAll()), outcomeOf(it.runtime.drainAll())];
      const ended = outcomeOf(call(it.runtime, end));
      await it.clock.flush();
      expect(waiting.map(({ value }) => show(value))).toEqual(["INTERRUPTED", "INTERRUPTED"]);
      it.hook.open();
      await it.clock.flush();
      expect([it.first.value, ended.value]).toEqual([done, done]);
      await it.clock.advance(60_000);
      expect(it.states()).toBe(stopped);
      await it.end();
    },
  );

  it("B6 goes on in call order", async () => {
    const it = await inFlight("startAll");
    const order: string[] = [];
    for (const kind of ["drainAll", "startAll", "drainAll"] as const) {
      void call(it.runtime, kind).then(
        () => order.push(`${kind}: ${it.states()}`),
        (error: unknown) => order.push(`${kind}: ${show(error)}`),
      );
    }
    it.hook.open();
    await it.clock.flush();
    expect(order).toEqual([
      ...[`drainAll: ${draining}`, "startAll: INVALID_WORKER_STATE", `drainAll: ${draining}`],
    ]);
    await it.end();
  });

  it("B6 a call joins what is last in line only: it must not overtake what was called before it", async () => {
    const it = await inFlight("startAll");
    const drain = outcomeOf(it.runtime.drainAll());
    const again = outcomeOf(it.runtime.startAll());
    it.hook.open();
    await it.clock.flush();
    expect([it.first.value, drain.value, show(again.value)]).toEqual([
      done,
      done,
      "INVALID_WORKER_STATE",
    ]);
    await it.end();
  });

  it("B6 a drainAll that began before a worker started is not the one that a later call joins", async () => {
    const hook = held();
    const it = crew({ a: { drain: hook.hook }, late: {} });
    await it.runtime.start("a");
    const first = outcomeOf(it.runtime.drainAll());
    await it.runtime.start("late");
    const second = outcomeOf(it.runtime.drainAll());
    hook.open();
    await it.clock.flush();
    expect([first.value, second.value]).toEqual([done, done]);
    expect(it.states()).toBe("a draining, late draining");
    await it.end();
  });
});

describe("the moment in which one ends", () => {
  // Whatever calls in the microtasks around the end of an operation finds either it or its successor, never a husk.
  const MOMENTS = Array.from({ length: 50 }, (_, index) => [index >> 1, index % 2 === 0] as const);

  it.each(KINDS.flatMap((first) => KINDS.map((second) => [first, second] as const)))(
    "B6 of a %s: a %s is another one, or joins before the end",
    async (kind, other) => {
      for (const [moment, ahead] of MOMENTS) {
        const it = await inFlight(kind);
        const late = async () => {
          for (let tick = 0; tick < moment; tick += 1) await Promise.resolve();
          return outcomeOf(call(it.runtime, other));
        };
        // Within each microtask's turn it comes before what the end sets off, or after it.
        const coming = ahead ? late() : undefined;
        it.hook.open();
        const second = await (coming ?? late());
        await it.clock.flush();
        expect(second.value, `${moment} ticks after`).not.toBe(undefined);
        const works = second.value === done;
        if (works && other === "startAll") expect(it.states()).toBe(running);
        if (works && (other === "stopAll" || other === "shutdown"))
          expect(it.states()).toBe(stopped);
        // Nothing is left behind that would refuse what comes next.
        if (it.states() !== stopped) await it.clock.settle(it.runtime.stopAll());
        await it.runtime.startAll();
        expect(it.states()).toBe(running);
        expect(it.runtime.status()).toMatchObject({ state: "running", ready: true });
        await it.end();
      }
    },
  );
});

describe("operations on one worker meanwhile", () => {
  it.each(["stopAll", "shutdown"] as const)(
    "B6 a start during a %s is refused at once",
    async (end) => {
      const it = await inFlight(end);
      const starts = [
        it.runtime.start("db"),
        it.runtime.start("api"),
        it.runtime.start("api", { dependencies: true }),
      ].map(outcomeOf);
      await it.clock.flush();
      for (const { value } of starts) {
        expect(show(value)).toBe("INVALID_RUNTIME_STATE");
        expect((value as Error).message).toContain(`its runtime is ending all workers (${end})`);
      }
      expect(it.events).toEqual([]);
      it.hook.open();
      await it.clock.flush();
      expect(it.states()).toBe(stopped);
      await it.end();
    },
  );

  it("B6 a start that was called before a stopAll and still waits is interrupted", async () => {
    const it = await inFlight("startAll");
    const mine = outcomeOf(it.runtime.start("api"));
    const stop = outcomeOf(it.runtime.stopAll());
    await it.clock.flush();
    expect([show(it.first.value), show(mine.value)]).toEqual(["INTERRUPTED", "INTERRUPTED"]);
    it.hook.open();
    await it.clock.flush();
    expect(stop.value).toBe(done);
    await it.end();
  });

  it("L7 drainAll marks all in one stretch before any hook runs, is best effort, and skips what does not run", async () => {
    const seen: string[] = [];
    const broken = new Error("broken");
    const it = crew({
      a: {
        drain() {
          seen.push(it.states());
          return Promise.reject(broken);
        },
      },
      b: { drain: () => seen.push(it.states()) },
      fresh: {},
      gone: {},
    });
    for (const name of ["a", "b", "gone"]) await it.runtime.start(name);
    await it.runtime.stop("gone");
    await it.runtime.drainAll();
    const all = "a draining, b draining, fresh registered, gone stopped";
    expect(seen).toEqual([all, all]);
    expect(it.runtime.worker("a")?.lastFailure?.code).toBe("WORKER_FAILED");
    await it.end();
  });
});
