import { isWorkerkitError } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, type Lifecycle } from "@workerkit/lifecycle";
import { type Extension, extend, workLeaseOf } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { type Crew, crew, type Part } from "./runtime/crew.ts";
import { held, outcomeOf } from "./runtime/held.ts";
import { type UnitOptions, type UnitRuntimeOptions, type Units, unitsFor } from "./units.ts";

interface Extended extends Crew {
  readonly units: Units;
}

/** A crew that runs units of work, and whose workers are started. */
async function extended(
  parts: Record<string, Part & UnitOptions>,
  options: UnitRuntimeOptions = {},
): Promise<Extended> {
  const it = crew({});
  const units = extend(it.runtime, unitsFor(), options);
  for (const [name, what] of Object.entries(parts)) it.add(name, what);
  await it.runtime.startAll();
  await it.settled();
  return { ...it, units };
}

function codeOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return isWorkerkitError(error) ? error.code : error;
  }
  return undefined;
}

const nothing: Extension<object, object, unknown> = {
  name: "nothing",
  workerOptions: {},
  runtimeOptions: {},
  attach: () => undefined,
  onRegister() {},
};

describe("attaching", () => {
  it("N4 reads its runtime options, each by its one reader", async () => {
    const it = await extended({ a: {}, b: { units: 1 } }, { defaultUnits: 2 });
    for (const label of ["1", "2"]) it.units.run("a", label);
    expect(codeOf(() => it.units.run("a", "3"))).toBe("WORKER_SATURATED");
    it.units.run("b", "1");
    expect(codeOf(() => it.units.run("b", "2"))).toBe("WORKER_SATURATED");
    await it.clock.settle(it.runtime.shutdown({ timeoutMs: 0 }).catch(() => {}));
  });

  it("N4 refuses wrong options with path, value and expectation, and attaches nothing", () => {
    const runtime = createLifecycle({ name: "shop" });
    const attempt = (options: unknown) => () => extend(runtime, unitsFor(), options as object);
    expect(attempt({ defaultUnits: 0 })).toThrow(
      "defaultUnits is 0: expected a whole number of 1 or more, or Infinity",
    );
    expect(attempt({ units: 1 })).toThrow("units is no option: expected one of defaultUnits");
    expect(attempt(null)).toThrow("options is null: expected an object");
    const worker = { start: () => {}, stop: () => {} };
    const options = { name: "w", units: 1, worker };
    expect(() => runtime.register(defineWorker(options))).toThrow("workers.w.units is no option");
    extend(runtime, unitsFor(), {});
    runtime.register(defineWorker(options));
  });

  it("refuses an option key that has an owner already", () => {
    const owning = (key: string) => ({
      ...nothing,
      name: "other",
      workerOptions: { [key]: Number },
    });
    for (const key of ["name", "dependsOn", "graceMs", "units"]) {
      const runtime = createLifecycle({ name: "shop" });
      extend(runtime, unitsFor(), {});
      const error = codeOf(() => extend(runtime, owning(key), {}));
      expect(error).toBe("INVALID_OPTION");
      expect(() => extend(runtime, owning(key), {})).toThrow(
        `extension other is "${key}": expected option keys that nobody owns already`,
      );
      // It was attached in no part: another key is free.
      extend(runtime, owning("something"), {});
    }
  });

  it("is refused once a worker is registered, also when it is gone again", () => {
    const runtime = createLifecycle({ name: "shop" });
    runtime.register(defineWorker({ name: "w", worker: { start: () => {}, stop: () => {} } }));
    for (const _ of ["registered", "unregistered"]) {
      const error = codeOf(() => extend(runtime, unitsFor(), {}));
      expect(error).toBe("INVALID_RUNTIME_STATE");
      if (runtime.workers().length > 0) runtime.unregister("w");
    }
  });

  it("that throws in attach is not attached", () => {
    const runtime = createLifecycle({ name: "shop" });
    const broken = new Error("broken");
    const attach = () => {
      throw broken;
    };
    expect(codeOf(() => extend(runtime, { ...unitsFor(), attach }, {}))).toBe(broken);
    extend(runtime, unitsFor(), {});
  });

  const shapes: readonly (readonly [path: string, extension: object])[] = [
    ["extension.name", { ...nothing, name: undefined }],
    ["extension.attach", { ...nothing, attach: undefined }],
    ["extension.onRegister", { ...nothing, onRegister: {} }],
    ["extension.onUnregister", { ...nothing, onUnregister: null }],
    ["extension.onClosing", { ...nothing, onClosing: "never" }],
    ["extension.workerOptions", { ...nothing, workerOptions: undefined }],
    ["extension.runtimeOptions", { ...nothing, runtimeOptions: [] }],
    ["extension.workerOptions.units", { ...nothing, workerOptions: { units: 5 } }],
    ["extension.runtimeOptions.units", { ...nothing, runtimeOptions: { units: "limit" } }],
  ];
  it.each(shapes)("refuses an extension whose %s is wrong", (path, extension) => {
    const runtime = createLifecycle({ name: "shop" });
    expect(() => extend(runtime, extension as typeof nothing, {})).toThrow(`${path} is `);
    extend(runtime, nothing, {});
  });

  it("gives the host's runtime, sink, limits and chance", async () => {
    const clock = createFakeClock({ now: 0 });
    const random = () => 0.25;
    const hosts: object[] = [];
    const runtime: Lifecycle = createLifecycle({ name: "shop", clock, random });
    extend(runtime, { ...nothing, attach: (given) => hosts.push(given) }, {});
    expect(hosts[0]).toMatchObject({ lifecycle: runtime, random });
    expect(Object.keys(hosts[0] ?? {}).sort()).toEqual([
      "deadlines",
      "lifecycle",
      "random",
      "sink",
    ]);
  });
});

describe("a port", () => {
  it("C2 says why no work may begin, by an error that is made once", async () => {
    const it = await extended({
      w: {},
      shut: { acceptingWorkOnStart: false },
      fatal: { failurePolicy: "fail-runtime" },
    });
    const { units } = it;
    expect(units.refusal("w")).toBe(undefined);
    expect(units.refusal("shut")?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    expect(units.refusal("shut")).toBe(units.refusal("shut"));
    await it.runtime.stop("w");
    expect(units.refusal("w")).toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: "worker shop/w is stopped: it takes work while it is running",
    });
    expect(units.refusal("w")).toBe(units.refusal("w"));
    await it.runtime.start("w");
    it.context("fatal").reportFailure(new Error("lost"));
    // Others' states refuse nothing, but for a runtime that has failed.
    expect(units.refusal("w")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    await it.runtime.start("fatal");
    expect(units.refusal("w")).toBe(undefined);
    await it.end();
  });

  it("C3 admits a child on a draining worker only for work that is older than that drain, or drains too", async () => {
    const it = await extended({ db: {}, api: {}, other: {} });
    const { units } = it;
    const older = units.run("api", "older");
    await it.runtime.drain("db");
    const younger = units.run("other", "younger");
    expect(units.refusal("db")?.code).toBe("INVALID_WORKER_STATE");
    expect(units.refusal("db", older)).toBe(undefined);
    expect(units.refusal("db", younger)?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    await it.runtime.drain("other");
    expect(units.refusal("db", younger)).toBe(undefined);
    older.release();
    expect(units.refusal("db", older)?.code).toBe("PARENT_ENDED");
    younger.release();
    await it.end();
  });

  it("C3 takes a lease that a worker got from its context for a parent", async () => {
    const it = await extended({ db: {}, api: {} });
    const own = it.context("api").admit("item");
    const lease = workLeaseOf(own as object);
    expect(lease?.label).toBe("item");
    await it.runtime.drain("db");
    const child = it.units.run("db", "child", lease === undefined ? {} : { parent: lease });
    own?.release();
    expect(it.units.refusal("db", lease)?.code).toBe("PARENT_ENDED");
    expect(workLeaseOf({})).toBe(undefined);
    child.release();
    await it.end();
  });

  it("C3 a parent of another runtime opens nothing that is closed", async () => {
    const [it, other] = [await extended({ db: {} }), await extended({ api: {} })];
    const stranger = other.units.run("api", "stranger");
    for (let index = 0; index < 10; index += 1) it.units.run("db", "work").release();
    await it.runtime.drain("db");
    expect(it.units.refusal("db", stranger)?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    stranger.release();
    await it.end();
    await other.end();
  });

  it("its units are what drain and waitIdle wait for, and status counts", async () => {
    const it = await extended({ w: {} });
    const [a, b] = [it.units.run("w", "a"), it.units.run("w", "b")];
    expect(it.runtime.worker("w")?.inFlight).toBe(2);
    const [idle, stop] = [outcomeOf(it.runtime.waitIdle("w")), outcomeOf(it.runtime.stop("w"))];
    a.release();
    a.release();
    await it.clock.flush();
    expect([idle.value, stop.value]).toEqual([undefined, undefined]);
    b.release();
    await it.clock.flush();
    expect([idle.value, stop.value]).toEqual(["resolved", "resolved"]);
    await it.end();
  });

  it("L8 the cut aborts a unit, and past its grace leaves it to itself", async () => {
    const it = await extended({ w: { drainTimeoutMs: 500, graceMs: 100 } });
    const [obeys, ignores] = [it.units.run("w", "obeys"), it.units.run("w", "ignores")];
    const stop = outcomeOf(it.runtime.stop("w"));
    await it.clock.advance(500);
    expect(obeys.abortedWith).toMatchObject({ code: "WORKER_STOPPING" });
    expect(obeys.signal.reason).toBe(obeys.abortedWith);
    obeys.release();
    await it.clock.advance(100);
    expect(stop.value).toBe("resolved");
    expect(await ignores.settled).toBe("abandoned");
    expect(it.runtime.worker("w")).toMatchObject({ inFlight: 0, abandoned: 1 });
    expect(it.events).toContain("w: abandoned ignores");
    ignores.release();
    expect(it.runtime.worker("w")).toMatchObject({ inFlight: 0, abandoned: 0 });
    await it.end();
  });

  it("C7 a unit that its extension abandons is counted, and holds up nobody", async () => {
    const it = await extended({ w: {} });
    const unit = it.units.run("w", "stuck");
    const stop = outcomeOf(it.runtime.stop("w"));
    unit.abandon();
    await it.clock.flush();
    expect(stop.value).toBe("resolved");
    expect(it.runtime.status()).toMatchObject({ inFlight: 0, abandoned: 1 });
    unit.release();
    expect(it.runtime.status().abandoned).toBe(0);
    await it.end();
  });

  it("has limits on the runtime's own list, of which a shutdown leaves no timer", async () => {
    const it = await extended({ w: {} });
    const unit = it.units.run("w", "slow", { limitMs: 250 });
    await it.clock.advance(250);
    expect(unit.abortedWith).toMatchObject({ code: "TIMEOUT", message: "slow took too long" });
    unit.release();
    it.units.run("w", "quick", { limitMs: 60_000 }).release();
    await it.end(); // checks that no timer is pending
  });

  it("C6 fails its worker, but only in the generation that it means", async () => {
    const it = await extended({ w: { isPanic: (error) => (error as Error).cause === "odd" } });
    const port = it.units.port("w");
    const { generation } = port;
    await it.runtime.stop("w");
    await it.runtime.start("w");
    expect(port.fail(generation, new Error("late"))).toBe(false);
    expect(it.state("w")).toBe("running");
    expect([port.panics("odd"), port.panics("even")]).toEqual([true, false]);
    const unit = it.units.run("w", "work");
    expect(port.fail(port.generation, "odd")).toBe(true);
    expect(it.runtime.worker("w")).toMatchObject({
      state: "failed",
      lastFailure: { code: "PANIC" },
    });
    expect(unit.abortedWith).toMatchObject({ code: "WORKER_FAILED" });
    expect(port.fail(port.generation, "again")).toBe(false);
    unit.release();
    await it.end();
  });

  it("C5 notes the failure of a command of the current generation only, and a start keeps it", async () => {
    const it = await extended({ w: {} });
    const port = it.units.port("w");
    const failure = { command: "w/go", code: "COMMAND_FAILED", message: "it failed", at: 7 };
    expect(port.note(1, failure)).toBe(true);
    await it.runtime.stop("w");
    expect(port.note(1, { ...failure, at: 8 })).toBe(false);
    await it.runtime.start("w");
    expect(port.note(1, { ...failure, at: 9 })).toBe(false);
    expect(it.runtime.worker("w")?.lastCommandFailure).toEqual(failure);
    await it.end();
  });

  it("knows its worker, whose context is that of the generation that runs", async () => {
    const definition = defineWorker({
      name: "w",
      graceMs: 123,
      worker: { start: () => "pool", stop: () => {} },
    });
    const it = crew({});
    const units = extend(it.runtime, unitsFor(), {});
    it.runtime.register(definition);
    const port = units.port("w");
    expect(port).toMatchObject({ name: "w", runtime: "shop", graceMs: 123, generation: 0 });
    expect(port.definition).toBe(definition);
    expect(port.context).toBe(undefined);
    await it.runtime.start("w");
    expect(port.context).toMatchObject({ generation: 1, state: "pool" });
    await it.end();
  });
});

describe("closing", () => {
  it("is told inside the change, before its events and before any signal aborts", async () => {
    const order: string[] = [];
    const it = crew({});
    extend(
      it.runtime,
      { ...nothing, onClosing: ({ name }, why) => order.push(`${name} closes: ${why}`) },
      {},
    );
    it.add("w", {
      start: ({ draining }) =>
        draining.addEventListener("abort", () => order.push("draining aborts")),
    });
    await it.runtime.start("w");
    it.runtime.events.on("worker:transition", ({ to }) => order.push(`event: ${to}`));
    void it.runtime.drain("w");
    order.push("the call returned");
    await it.clock.flush();
    expect(order).toEqual([
      "w closes: drain",
      "draining aborts",
      "the call returned",
      "event: draining",
    ]);
    await it.end();
  });

  it("C4 says which work there is no more room for: from outside, or of any kind", async () => {
    const stop = held();
    const it = await extended({
      w: { drainTimeoutMs: 100, graceMs: 10, stop: stop.hook },
      other: { dependsOn: ["w"] },
    });
    const unit = it.units.run("w", "ignores");
    const stopped = it.runtime.stop("w", { dependants: true });
    await it.clock.advance(200);
    expect(it.units.closings).toEqual([
      ...["other drain while draining", "other stop while stopping"],
      ...["w drain while draining", "w cut while draining", "w stop while stopping"],
    ]);
    stop.open();
    await it.clock.settle(stopped);
    unit.release();
    it.units.closings.length = 0;
    await it.runtime.startAll();
    it.context("w").reportFailure(new Error("lost"));
    expect(it.units.closings).toEqual(["w failure while failed"]);
    it.units.closings.length = 0;
    const shutdown = it.runtime.shutdown();
    // All are closed to the outside in the call, in whatever level they stop.
    expect(it.units.closings.slice(0, 2)).toEqual([
      "w shutdown while failed",
      "other shutdown while running",
    ]);
    await it.clock.flush();
    stop.open();
    await it.clock.settle(shutdown);
  });
});
