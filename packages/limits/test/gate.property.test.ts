// A gate beside its plain model: random steps, several in one tick, on a clock that the test moves.

import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, it } from "vitest";
import { GateModel } from "./gate-model.ts";
import { RealGate, type SignalChoice } from "./real-gate.ts";

/** One step: what it does to the model and to the gate. Choices are made among what is there when its turn comes. */
interface Action {
  readonly shown: string;
  perform(model: GateModel, real: RealGate): void;
}

/** How often each thing was reached in all runs. */
const reached = new Map<string, number>();
const reach = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);

const timeoutMs = fc.option(
  fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(Number.POSITIVE_INFINITY)),
  { nil: undefined },
);
const limit = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
);

const tryAcquire: fc.Arbitrary<Action> = fc.constant({
  shown: "tryAcquire",
  perform(model, real) {
    model.ask("tryAcquire", undefined, false);
    real.tryAcquire();
  },
});

const ask: fc.Arbitrary<Action> = fc
  .record({
    flavour: fc.constantFrom("acquire" as const, "run" as const),
    timeoutMs,
    choice: fc.constantFrom<SignalChoice>("none", "own", "shared 1", "shared 2"),
    stale: fc.nat(9).map((draw) => draw === 0),
  })
  .map(({ flavour, timeoutMs, choice, stale }) => ({
    shown: `${flavour}(timeoutMs ${timeoutMs}, signal ${choice}${stale ? ", stale" : ""})`,
    perform(model, real) {
      const controller = real.controllerFor(choice, stale);
      model.ask(flavour, timeoutMs, controller?.signal.aborted === true);
      real[flavour](timeoutMs, controller);
    },
  }));

const giveBack: fc.Arbitrary<Action> = fc
  .record({ pick: fc.nat(), times: fc.integer({ min: 1, max: 3 }) })
  .map(({ pick, times }) => ({
    shown: `giveBack(${pick}, ${times} times)`,
    perform(model, real) {
      const caller = pickFrom(real.callers, pick, ({ standing }) => standing === "holding");
      if (caller === undefined) return;
      for (let time = 1; time <= times; time++) {
        model.giveBack(caller.id);
        caller.giveBack();
      }
    },
  }));

const giveBackAgain: fc.Arbitrary<Action> = fc.nat().map((pick) => ({
  shown: `giveBackAgain(${pick})`,
  perform(_model, real) {
    const caller = pickFrom(real.callers, pick, ({ standing }) => standing === "gave back");
    if (caller === undefined || caller.flavour === "run") return;
    caller.giveBack();
    reach("given back again later");
  },
}));

const abort: fc.Arbitrary<Action> = fc.nat().map((pick) => ({
  shown: `abort(${pick})`,
  perform(model, real) {
    const controller = pickFrom([...real.controllers], pick, ({ signal }) => !signal.aborted);
    if (controller === undefined) return;
    const callers = real.callers.filter((caller) => caller.controller === controller);
    for (const { id } of callers) model.abort(id);
    controller.abort();
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  },
}));

const resize: fc.Arbitrary<Action> = limit.map((limit) => ({
  shown: `limit = ${limit}`,
  perform(model, real) {
    if (limit < model.active) reach("shrunk below what is active");
    if (limit > model.limit && model.queue.length > 0) reach("grown while some wait");
    model.resize(limit);
    real.gate.limit = limit;
  },
}));

const drained: fc.Arbitrary<Action> = fc.constant({
  shown: "drained",
  perform(model, real) {
    model.drained();
    void real.gate.drained().then(() => {
      real.drainedGiven++;
    });
  },
});

function pickFrom<T>(list: readonly T[], pick: number, of: (item: T) => boolean): T | undefined {
  const eligible = list.filter(of);
  return eligible[pick % eligible.length];
}

/** Several steps without a turn of the event loop between them; then all that follows from them. */
class Tick implements fc.AsyncCommand<GateModel, RealGate> {
  readonly #actions: readonly Action[];

  constructor(actions: readonly Action[]) {
    this.#actions = actions;
  }

  check(): boolean {
    return true;
  }

  async run(model: GateModel, real: RealGate): Promise<void> {
    for (const action of this.#actions) {
      action.perform(model, real);
      compareCounts(model, real);
    }
    await settle(model, real);
  }

  toString(): string {
    return `[${this.#actions.map(({ shown }) => shown).join("; ")}]`;
  }
}

class Advance implements fc.AsyncCommand<GateModel, RealGate> {
  readonly #byMs: number;

  constructor(byMs: number) {
    this.#byMs = byMs;
  }

  check(): boolean {
    return true;
  }

  async run(model: GateModel, real: RealGate): Promise<void> {
    model.advance(this.#byMs);
    await real.clock.advance(this.#byMs);
    await settle(model, real);
  }

  toString(): string {
    return `advance(${this.#byMs})`;
  }
}

function compareCounts(model: GateModel, { gate }: RealGate): void {
  const { limit, active, waiting } = gate;
  expect({ limit, active, waiting }).toEqual({
    limit: model.limit,
    active: model.active,
    waiting: model.queue.length,
  });
}

async function settle(model: GateModel, real: RealGate): Promise<void> {
  model.settle();
  await real.clock.flush();
  compareCounts(model, real);
  const standings = model.callers.map(({ standing }) => standing);
  expect(real.callers.map(({ standing }) => standing)).toEqual(standings);
  expect(real.served).toEqual(model.served);
  expect(real.drainedGiven).toBe(model.drainedGiven);
}

/** Lets everybody go who holds a slot, until nobody is left; then nothing may be. */
async function empty(model: GateModel, real: RealGate): Promise<void> {
  while (model.active > 0) {
    for (const caller of real.callers.filter(({ standing }) => standing === "holding")) {
      model.giveBack(caller.id);
      caller.giveBack();
    }
    await settle(model, real);
  }
  await real.gate.drained();
  expect({ active: real.gate.active, waiting: real.gate.waiting }).toEqual({
    active: 0,
    waiting: 0,
  });
  expect(real.clock.pending()).toEqual([]);
  for (const { signal } of real.controllers) expect(getEventListeners(signal, "abort")).toEqual([]);
  for (const { flavour, standing } of model.callers) reach(`${flavour} ${standing}`);
}

const action = fc.oneof(
  { weight: 1, arbitrary: tryAcquire },
  { weight: 5, arbitrary: ask },
  { weight: 3, arbitrary: giveBack },
  { weight: 1, arbitrary: giveBackAgain },
  { weight: 1, arbitrary: abort },
  { weight: 1, arbitrary: resize },
  { weight: 1, arbitrary: drained },
);
const commands = fc.commands<GateModel, RealGate, false>(
  [
    fc.array(action, { minLength: 1, maxLength: 5 }).map((actions) => new Tick(actions)),
    fc.integer({ min: 0, max: 30 }).map((byMs) => new Advance(byMs)),
  ],
  { maxCommands: 40, size: "max" },
);

it("P3 every caller of a gate fares as the plain model says, and no slot is lost or doubled", async () => {
  const size = fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY);
  await fc.assert(
    fc.asyncProperty(limit, size, timeoutMs, commands, async (limit, size, timeoutMs, commands) => {
      const queueTimeoutMs = timeoutMs ?? Number.POSITIVE_INFINITY;
      const model = new GateModel(limit, size, queueTimeoutMs);
      const real = new RealGate(limit, size, queueTimeoutMs);
      await fc.asyncModelRun(() => ({ model, real }), commands);
      await empty(model, real);
    }),
    { numRuns: 500 },
  );
  const standings = ["gave back", "queue-full", "queue-timeout", "aborted"];
  expect([...reached.keys()].sort()).toEqual(
    [
      "given back again later",
      "grown while some wait",
      "shrunk below what is active",
      "tryAcquire gave back",
      "tryAcquire refused",
      ...standings.map((standing) => `acquire ${standing}`),
      ...standings.map((standing) => `run ${standing}`),
    ].sort(),
  );
}, 60_000);
