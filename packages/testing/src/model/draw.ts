// Drawing plans: each seed has a mix of its own, of what is done and of how code behaves, so that rare things meet each other.

import fc from "fast-check";
import { createRandom } from "../doubles/random.ts";
import type { Fate, Operation, Plan, PlannedOperation, PolicyPlan, WorkerPlan } from "./plan.ts";
import { BACKOFFS, PANIC_CHECKS, RETRIES, WHENS } from "./policies.ts";
import { THROWN } from "./thrown.ts";

/** What plans are drawn for. */
export interface DrawOptions {
  readonly seed: number;
  /** How many operations a plan has on average. */
  readonly operations: number;
  /** How many workers there are already, or undefined to draw them too. */
  readonly cast?: number | undefined;
}

/** The plans of one seed. */
export function plans({ seed, operations, cast }: DrawOptions): fc.Arbitrary<Plan> {
  const mix = mixOf(seed);
  const most = cast ?? mix.workers;
  return fc.record({
    seed: fc.constant(seed),
    allWorkers: fc.constant(mix.allWorkers),
    workers: cast === undefined ? listOf(worker(mix), most) : fc.constant([]),
    operations: fc.array(planned(mix, most), {
      // Any length, or it could not be shrunk.
      maxLength: 2 * operations,
      size: "max",
    }),
  });
}

/** How often what is drawn. */
interface Mix {
  readonly weigh: (least?: number) => number;
  readonly workers: number;
  readonly allWorkers: boolean;
  readonly hostile: boolean;
  readonly manual: number;
  readonly slow: number;
  readonly fails: number;
  readonly inside: number;
  readonly atAbort: number;
}

function mixOf(seed: number): Mix {
  const random = createRandom(seed);
  const pick = (...choices: readonly number[]) =>
    choices[Math.floor(random() * choices.length)] ?? 0;
  return {
    weigh: (least = 0) => least + pick(0, 1, 1, 2, 5, 10),
    workers: pick(1, 2, 2, 3, 3, 4, 5, 6),
    allWorkers: random() < 0.2,
    hostile: random() < 0.3,
    manual: pick(0, 1, 2, 4),
    slow: pick(0, 2, 4),
    fails: pick(0, 1, 2, 4),
    inside: pick(0, 0, 1, 3),
    atAbort: pick(0, 0, 1, 3),
  };
}

/** One of these, as often as their weights say; a weight of 0 leaves one out. */
function oneOf<T>(...choices: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[]) {
  return fc.oneof(
    ...choices
      .filter(([weight]) => weight > 0)
      .map(([weight, arbitrary]) => ({ weight: Math.ceil(weight * 8), arbitrary })),
  );
}

function listOf<T>(arbitrary: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> {
  return fc.array(arbitrary, { minLength: length, maxLength: length, size: "max" });
}

const flag = fc.boolean();
/** Mostly so, and so that shrinking makes it so. */
const mostly = (value: boolean) => oneOf([5, fc.constant(value)], [1, fc.constant(!value)]);
const thrown = oneOf([3, fc.constant(0)], [2, fc.nat(THROWN.length - 1)]);
const someMs = fc.constantFrom(0, 1, 5, 20, 60, 150, 400);
const placeOf = (most: number) => fc.nat(Math.max(0, most - 1));

const SAYINGS = [
  "ready",
  "not ready",
  "accepting",
  "not accepting",
  "fail",
  "admit",
  "heartbeat",
  "note",
  "request stop",
  "request shutdown",
] as const;

function fate(mix: Mix): fc.Arbitrary<Fate> {
  return fc.record({
    afterMs: oneOf(
      [6, fc.constant(0)],
      [mix.slow, someMs],
      [mix.manual, fc.constant(Number.POSITIVE_INFINITY)],
    ),
    fails: oneOf([5, fc.constant(false)], [mix.fails, fc.constant(true)]),
    sync: flag,
    thrown,
    onAbort: fc.constantFrom("obey", "ignore", "value", "error"),
    lateMs: someMs,
    inside: oneOf<Fate["inside"]>(
      [12, fc.constant("nothing")],
      [mix.inside, fc.constantFrom(...SAYINGS, "stop itself")],
    ),
    atAbort: oneOf<Fate["atAbort"]>(
      [12, fc.constant("nothing")],
      [mix.atAbort, fc.constantFrom("fail", "admit", "stop itself")],
    ),
  });
}

function policy(mix: Mix): fc.Arbitrary<PolicyPlan> {
  // The sound ones stand first in each list.
  const fromList = (list: readonly unknown[], sound: number) =>
    fc.nat((mix.hostile ? list.length : sound) - 1);
  return fc.record({
    startTimeoutMs: fc.constantFrom(100, 300, 0, Number.POSITIVE_INFINITY),
    stopTimeoutMs: fc.constantFrom(100, 300, 0, Number.POSITIVE_INFINITY),
    drainTimeoutMs: fc.constantFrom(200, 0, 50, 1_000),
    graceMs: fc.constantFrom(50, 0, 200),
    readyOnStart: mostly(true),
    acceptingWorkOnStart: mostly(true),
    contributesToReadiness: mostly(true),
    failurePolicy: fc.constantFrom("isolate", "mark-runtime-unready", "fail-runtime"),
    startRetry: oneOf([2, fc.constant(0)], [2, fromList(RETRIES, 4)]),
    isPanic: fromList(PANIC_CHECKS, 2),
    restart: fc.option(
      fc.record({
        backoff: fromList(BACKOFFS, 4),
        when: fromList(WHENS, 2),
        maxRestarts: fc.constantFrom(3, 1, 2, Number.POSITIVE_INFINITY),
        withinMs: fc.constantFrom(2_000, 200, 60_000),
      }),
      { nil: undefined, freq: 3 },
    ),
  });
}

function worker(mix: Mix): fc.Arbitrary<WorkerPlan> {
  const fates = listOf(fate(mix), 4);
  return fc.record({
    loop: mostly(false),
    dependsOn: fc.array(fc.record({ worker: fc.nat(5), restart: flag }), { maxLength: 2 }),
    policy: policy(mix),
    start: fates,
    run: fates,
    drain: fc.option(fates, { nil: undefined, freq: 2 }),
    stop: fates,
  });
}

function planned(mix: Mix, most: number): fc.Arbitrary<PlannedOperation> {
  return fc.record({
    operation: operation(mix, most),
    pause: oneOf<PlannedOperation["pause"]>(
      [mix.weigh(2), fc.constant("quiet")],
      [mix.weigh(), fc.constant("none")],
      [mix.weigh(), fc.constant("microtask")],
    ),
  });
}

function operation(mix: Mix, most: number): fc.Arbitrary<Operation> {
  const { weigh } = mix;
  const place = placeOf(most);
  const abortAfterMs = fc.option(fc.constantFrom(Number.POSITIVE_INFINITY, 0, 1, 30, 100), {
    nil: undefined,
    freq: 3,
  });
  const one = <Name extends "start" | "drain" | "stop">(name: Name) =>
    fc.record({ do: fc.constant(name), worker: place, wide: flag, abortAfterMs });
  const all = <Name extends "drain all" | "stop all" | "wait all idle" | "when ready">(
    name: Name,
  ) => fc.record({ do: fc.constant(name), abortAfterMs });
  const of = <Name extends "register" | "unregister" | "wait idle">(name: Name) =>
    fc.record({ do: fc.constant(name), worker: place });
  return oneOf<Operation>(
    [weigh(1), one("start")],
    [weigh(), one("drain")],
    [weigh(), one("stop")],
    [
      weigh(),
      fc.record({
        do: fc.constant("start all"),
        concurrency: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
        rollback: mostly(true),
        abortAfterMs,
      }),
    ],
    [weigh() / 4, all("drain all")],
    [weigh() / 4, all("stop all")],
    [
      weigh() / 4,
      fc.record({
        do: fc.constant("shutdown"),
        timeoutMs: fc.constantFrom(1_000, 0, 100, 20_000),
        abortAfterMs,
      }),
    ],
    [weigh() / 2, of("register")],
    [weigh() / 4, of("unregister")],
    [weigh() / 4, of("wait idle")],
    [weigh() / 4, all("wait all idle")],
    [weigh() / 4, all("when ready")],
    [weigh() / 4, fc.record({ do: fc.constant("flush"), timeoutMs: someMs })],
    [weigh() / 2, fc.record({ do: fc.constant("abort"), call: fc.nat(9) })],
    [
      weigh(1),
      fc.record({
        do: fc.constant("say"),
        worker: place,
        back: oneOf([3, fc.constant(0)], [1, fc.nat(3)]),
        what: fc.constantFrom(...SAYINGS.slice(0, 9), "admit", "fail"),
        thrown,
      }),
    ],
    [
      weigh() / 8,
      fc.record({
        do: fc.constant("say"),
        worker: place,
        back: fc.constant(0),
        what: fc.constant("request shutdown"),
        thrown: fc.constant(0),
      }),
    ],
    [weigh(1), fc.record({ do: fc.constant("release"), lease: fc.nat(9) })],
    [
      weigh(1),
      fc.record({ do: fc.constant("settle"), hook: fc.nat(9), fails: mostly(false), thrown }),
    ],
    [weigh(2), fc.record({ do: fc.constant("advance"), ms: someMs })],
    [
      weigh() / 4,
      fc.record({ do: fc.constant("advance"), ms: fc.constantFrom(1_000, 6_000, 60_000) }),
    ],
    [weigh() / 4, fc.record({ do: fc.constant("block"), ms: fc.constantFrom(40, 500, 10_000) })],
    [
      weigh() / 4,
      fc.record({ do: fc.constant("jump"), ms: fc.constantFrom(3_600_000, -3_600_000, -500) }),
    ],
    [
      weigh() / 8,
      fc.record({
        do: fc.constant("listen"),
        how: fc.constantFrom("throw", "reject", "hang", "when throws", "when says no"),
      }),
    ],
  );
}
