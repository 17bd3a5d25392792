import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, type Lifecycle, type WorkerContext } from "@workerkit/lifecycle";
import Emittery from "emittery";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { crew, part } from "./crew.ts";
import { eventHub, stall, type TestHub } from "./event-hub.ts";

afterEach(() => vi.restoreAllMocks());

/** The names that the library was asked to emit; its own, of listeners that come and go, are symbols. */
const countEmits = () => {
  const emits = vi.spyOn(Emittery.prototype, "emit");
  return () => emits.mock.calls.map(([name]) => name).filter((name) => typeof name === "string");
};

/** Two workers that nobody listens to. */
const quiet = () => {
  const clock = createFakeClock({ now: 0 });
  const contexts = new Map<string, WorkerContext<unknown>>();
  const note = (_: unknown, ctx: WorkerContext<unknown>) => contexts.set(ctx.localName, ctx);
  const workers = [part("a", {}, note), part("b", { dependsOn: ["a"] }, note)];
  return { clock, contexts, runtime: createLifecycle({ name: "shop", clock, workers }) };
};

describe("flush", () => {
  let { clock, runtime, events, sink }: TestHub = eventHub();
  beforeEach(() => {
    ({ clock, runtime, events, sink } = eventHub());
  });
  const emit = (number: number) => sink.emit("worker:stall", stall(number));

  it("resolves at once when nothing is to be heard", async () => {
    events.on("worker:stall", () => {});
    await runtime.flush();
    expect(clock.pending()).toEqual([]);
  });

  it("waits for the calls, and for what they promised", async () => {
    const log: string[] = [];
    events.on("worker:stall", async () => {
      log.push("called");
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 300));
      log.push("done");
    });
    emit(1);
    await clock.settle(runtime.flush().then(() => log.push("flushed")));
    expect(log).toEqual(["called", "done", "flushed"]);
    expect(clock.monotonicMs()).toBe(300);
    expect(clock.pending()).toEqual([]);
  });

  it.each([
    [undefined, 1_000],
    [{}, 1_000],
    [{ timeoutMs: 250 }, 250],
    [{ timeoutMs: 0 }, 1],
  ])(
    "with %j gives up on a listener that hangs after %d ms, and never rejects",
    async (options, ms) => {
      events.on("worker:stall", () => new Promise(() => {}));
      events.on("worker:stall", () => Promise.reject(new Error("late")));
      emit(1);
      await clock.settle(runtime.flush(options));
      expect(clock.monotonicMs()).toBe(ms);
      expect(clock.pending()).toEqual([]);
    },
  );

  it("settles for each who waits, each within its own limit", async () => {
    let done = () => {};
    events.on(
      "worker:stall",
      () =>
        new Promise<void>((resolve) => {
          done = resolve;
        }),
    );
    emit(1);
    const settled: string[] = [];
    void runtime.flush({ timeoutMs: 10 }).then(() => settled.push("short"));
    void runtime.flush({ timeoutMs: Number.POSITIVE_INFINITY }).then(() => settled.push("endless"));
    void runtime.flush({ timeoutMs: 500 }).then(() => settled.push("long"));
    await clock.advance(100);
    expect(settled).toEqual(["short"]);
    done();
    await clock.flush();
    expect(settled).toEqual(["short", "endless", "long"]);
    expect(clock.pending()).toEqual([]);
  });

  it("of a shutdown ends within its limit, although a listener hangs", async () => {
    const it = crew({ w: {} });
    it.runtime.events.on("worker:transition", () => new Promise(() => {}));
    await it.runtime.start("w");
    await it.clock.settle(it.runtime.shutdown());
    expect(it.clock.monotonicMs()).toBe(1_000);
    expect(it.clock.pending()).toEqual([]);
  });
});

describe("nobody listening", () => {
  it("costs not one emit of the library", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const emitted = countEmits();
    const { runtime, clock, contexts } = quiet();
    const offs = [
      runtime.events.onAny(() => {}),
      runtime.events.on("worker:transition", () => {}),
      runtime.events.on("worker:transition", () => {}),
    ];
    for (const off of offs) off();
    await runtime.startAll();
    contexts.get("a")?.setReady(false);
    await runtime.stop("b");
    contexts.get("a")?.reportFailure(new Error("lost"));
    await clock.settle(runtime.shutdown());
    expect(runtime.workers().map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    expect(emitted()).toEqual([]);
  });

  it("costs only the emits of the one name that somebody listens to", async () => {
    const emitted = countEmits();
    const { runtime, clock } = quiet();
    runtime.events.on("worker:readiness", () => {});
    await runtime.startAll();
    await clock.settle(runtime.shutdown());
    expect(emitted()).toEqual(new Array(4).fill("worker:readiness"));
  });

  it("is not silent about a worker that failed, unless somebody hears of it", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const fail = async (listen: (runtime: Lifecycle) => unknown) => {
      warn.mockClear();
      const { runtime, clock, contexts } = quiet();
      listen(runtime);
      await runtime.start("a");
      contexts.get("a")?.reportFailure(new Error("lost"));
      await clock.flush();
      return warn.mock.calls.map(([text]) => String(text).split("\n")[0]);
    };
    const told = ["Worker shop/a failed and nobody listens to worker:failure. Error: lost"];
    expect(await fail(() => {})).toEqual(told);
    expect(await fail(({ events }) => events.on("worker:transition", () => {}))).toEqual(told);
    expect(await fail(({ events }) => events.onAny(() => {}, { when: () => false }))).toEqual(told);
    expect(await fail(({ events }) => events.on("worker:failure", () => {}))).toEqual([]);
    expect(await fail(({ events }) => events.onAny(() => {}))).toEqual([]);
  });
});
