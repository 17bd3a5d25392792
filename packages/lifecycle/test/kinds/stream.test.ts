import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, stream } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { describe, expect, it, vi } from "vitest";
import { wrong } from "../hostile.ts";
import { gate } from "../worker/gate.ts";
import { channel } from "./channel.ts";
import { host, outcomeOf } from "./host.ts";
import { streaming } from "./streaming.ts";

describe("W4 taking items", () => {
  it("W4 handles one at a time by default, and asks for no more than it can handle", async () => {
    const { source, item, ...hosted } = streaming();
    await hosted.start();
    source.push("a", "b", "c");
    await hosted.clock.advance(10);
    expect(hosted.log).toEqual(["a at 0"]);
    expect(source.asked()).toBe(1);
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 10"]);
    expect(source.asked()).toBe(2);
    await hosted.end();
  });

  it("W4 handles as many side by side as concurrency says, one question at a time", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    expect(source.open()).toBe(1);
    source.push("a", "b", "c");
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 0"]);
    expect(hosted.status()).toMatchObject({ kind: "stream", state: "running", inFlight: 2 });
    expect(source.asked()).toBe(2);
    item("b").open(undefined);
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 0", "c at 0"]);
    await hosted.end();
  });

  it("W4 takes any number with concurrency Infinity", async () => {
    const { source, ...hosted } = streaming({ concurrency: Number.POSITIVE_INFINITY });
    await hosted.start();
    source.push(...Array.from({ length: 50 }, (_, index) => `item ${index}`));
    await hosted.clock.flush();
    expect(hosted.status().inFlight).toBe(50);
    await hosted.end();
  });

  it("W4 gives each item a lease and a context of its own", async () => {
    const { source, item, contexts, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a", "b");
    await hosted.clock.flush();
    const [a, b] = [contexts.get("a"), contexts.get("b")];
    expect(a).not.toBe(b);
    expect(a?.lease).not.toBe(b?.lease);
    expect(a?.lease.label).toBe("item");
    expect(a?.signal).toBe(a?.lease.signal);
    expect(a?.name).toBe("rt/w");
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.status().inFlight).toBe(1);
    await hosted.end();
  });

  it("W4 takes from a generator and from what is no promise too", async () => {
    const seen: number[] = [];
    const worker = stream({
      source: () => [1, 2, 3],
      handle: (item) => seen.push(item),
      onEnd: "complete",
    });
    const hosted = host(worker);
    await hosted.start();
    expect(seen).toEqual([1, 2, 3]);
    await hosted.end();
  });

  it("W4 is idle between two items", async () => {
    const { source, item, ...hosted } = streaming();
    await hosted.start();
    source.push("a");
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.status().inFlight).toBe(0);
    await hosted.runtime.waitIdle("w");
    await hosted.end();
  });

  it("W4 opens the source anew in each generation, with the signals of that one", async () => {
    const signals: AbortSignal[] = [];
    const source = channel<string>();
    const worker = stream({
      source: ({ draining, signal }) => {
        signals.push(draining, signal);
        return source;
      },
      handle: () => {},
    });
    const hosted = host(worker);
    await hosted.start();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await hosted.start();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false]);
    await hosted.end();
  });

  it("W4 serves in many runtimes at once", async () => {
    const log: string[] = [];
    const worker = stream({
      source: () => ["item"],
      handle: (item, ctx) => log.push(`${ctx.name}: ${item}`),
      onEnd: "complete",
    });
    const definition = defineWorker({ name: "w", worker });
    const clock = createFakeClock();
    const runtimes = ["one", "two"].map((name) =>
      createLifecycle({ name, clock, workers: [definition] }),
    );
    for (const runtime of runtimes) await clock.settle(runtime.start("w"));
    await clock.flush();
    expect(log).toEqual(["one/w: item", "two/w: item"]);
    for (const runtime of runtimes) await clock.settle(runtime.shutdown());
  });
});

describe("W4 an item that fails", () => {
  it("W4 is noted with onError continue, and the next is taken", async () => {
    const { source, item, ...hosted } = streaming();
    await hosted.start();
    await hosted.told();
    source.push("a", "b");
    item("a").fail(new Error("secret"));
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 0"]);
    expect(await hosted.told()).toEqual([]);
    expect(hosted.status()).toMatchObject({
      state: "running",
      lastItemFailure: { code: "ITEM_FAILED", message: "an item failed", at: 0 },
    });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W4 goes on by default, and the process is warned once in a generation", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const { source, item, ...hosted } = streaming({ onError: undefined });
    await hosted.start();
    source.push("a", "b");
    item("a").fail(new Error("first"));
    item("b").fail(new Error("second"));
    await hosted.clock.flush();
    expect(hosted.status().state).toBe("running");
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.lastCall?.[0]).toMatch(/Worker rt\/w goes on although an item failed.*first/);
    warn.mockRestore();
    await hosted.end();
  });

  it("W4 fails the worker with onError fail: the others are told, and the source returns once", async () => {
    const { source, item, contexts, ...hosted } = streaming({ concurrency: 2, onError: "fail" });
    await hosted.start();
    source.push("a", "b");
    await hosted.clock.flush();
    await hosted.told();
    item("a").fail(new Error("poison"));
    const told = await hosted.told();
    expect(told).toContain("failure in run 1: WORKER_FAILED, final");
    expect(hosted.status().state).toBe("failed");
    expect(contexts.get("b")?.signal.reason).toMatchObject({ code: "WORKER_FAILED" });
    expect(source.returned()).toBe(1);
    await hosted.end();
    expect(source.returned()).toBe(1);
  });

  it("W4 is judged case by case by a function, which hears the error and the item", async () => {
    const heard: unknown[] = [];
    const { source, item, ...hosted } = streaming({
      onError: (error, failed) => {
        heard.push([(error as Error).message, failed]);
        return failed === "b" ? "fail" : "continue";
      },
    });
    await hosted.start();
    source.push("a", "b");
    item("a").fail(new Error("one"));
    item("b").fail(new Error("two"));
    await hosted.clock.flush();
    expect(heard).toEqual([
      ["one", "a"],
      ["two", "b"],
    ]);
    expect(hosted.status().state).toBe("failed");
    await hosted.end();
  });

  it("W4 that outlives itemTimeoutMs is told; past the grace it is abandoned and keeps its place", async () => {
    const { source, item, contexts, ...hosted } = streaming(
      { itemTimeoutMs: 50, concurrency: 2 },
      { graceMs: 10 },
    );
    await hosted.start();
    source.push("a", "b", "c");
    await hosted.clock.advance(50);
    expect(contexts.get("a")?.signal.reason).toMatchObject({ code: "TIMEOUT" });
    item("b").fail(new Error("gave up"));
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({
      lastItemFailure: { code: "TIMEOUT", message: "item of worker rt/w took longer than 50 ms" },
    });
    await hosted.clock.advance(10);
    expect(hosted.status()).toMatchObject({ state: "running", abandoned: 1, inFlight: 1 });
    source.push("d");
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 0", "c at 50"]);
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.log.at(-1)).toBe("d at 60");
    expect(hosted.status().abandoned).toBe(0);
    await hosted.end();
  });

  it("W4 is judged once: its late end, once it was abandoned, changes nothing", async () => {
    const codes: unknown[] = [];
    const { source, item, ...hosted } = streaming(
      {
        itemTimeoutMs: 50,
        onError: (error) => {
          codes.push((error as { code?: string }).code);
          return codes.length === 1 ? "continue" : "fail";
        },
      },
      { graceMs: 10 },
    );
    await hosted.start();
    source.push("a");
    await hosted.clock.advance(60);
    item("a").fail(new Error("late"));
    await hosted.clock.flush();
    expect(codes).toEqual(["ABANDONED"]);
    expect(hosted.status()).toMatchObject({ state: "running", abandoned: 0 });
    await hosted.end();
  });
});

describe("W4 a source that ends", () => {
  it("W4 is LOOP_EXITED, once the items in flight have ended", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a");
    source.end();
    await hosted.clock.flush();
    expect(hosted.status().state).toBe("running");
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "LOOP_EXITED", message: "the source of worker rt/w ended" },
    });
    expect(source.returned()).toBe(0);
    await hosted.end();
  });

  it("W4 is completed with onEnd complete: the worker stays as it is until it is stopped", async () => {
    const { source, item, ...hosted } = streaming({ onEnd: "complete", concurrency: 2 });
    await hosted.start();
    source.push("a");
    source.end();
    await hosted.clock.flush();
    expect(hosted.status()).not.toHaveProperty("completed");
    item("a").open(undefined);
    await hosted.clock.advance(1e6);
    expect(hosted.status()).toMatchObject({ state: "running", ready: true, completed: true });
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.status()).toMatchObject({ state: "stopped", completed: true });
    expect(source.returned()).toBe(0);
    await hosted.start();
    expect(hosted.status()).not.toHaveProperty("completed");
    await hosted.end();
  });

  it("W4 that throws fails the worker with its error at once, and is not told to return", async () => {
    const { source, contexts, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a");
    source.fail(new Error("connection lost"));
    await hosted.clock.flush();
    expect(hosted.status().state).toBe("failed");
    expect(contexts.get("a")?.signal.aborted).toBe(true);
    const failure = hosted.heard.find(([name]) => name === "worker:failure");
    expect(failure?.[1]).toMatchObject({ error: { message: "connection lost" } });
    await hosted.end();
    expect(source.returned()).toBe(0);
  });

  it("W4 that fails to open fails the start", async () => {
    const worker = stream({
      source: () => {
        throw new Error("no connection");
      },
      handle: () => {},
    });
    const hosted = host(worker);
    expect(await outcomeOf(hosted.runtime.start("w"))).toBe("no connection");
    await hosted.end();
  });

  it.each([
    ["nothing", undefined],
    ["a number", 5],
    ["a promise", Promise.resolve([])],
    ["an iterator", { next: () => ({ done: true, value: undefined }) }],
  ])("W4 that is %s and no iterable fails the start with INVALID_OPTION", async (_name, source) => {
    const hosted = host(stream({ source: wrong(() => source), handle: () => {} }));
    expect(await outcomeOf(hosted.runtime.start("w"))).toBe("INVALID_OPTION");
    expect(hosted.status().lastFailure?.message).toMatch(/^stream\.source is /);
    await hosted.end();
  });

  it.each([
    ["answers nothing", () => undefined],
    ["answers null", () => Promise.resolve(null)],
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
  ])("W4 whose next %s fails the worker", async (_name, next) => {
    const source = wrong(() => ({ [Symbol.asyncIterator]: () => ({ next }) }));
    const hosted = host(stream({ source, handle: () => {} }));
    await outcomeOf(hosted.runtime.start("w"));
    await hosted.clock.flush();
    expect(hosted.status().state).toBe("failed");
    await hosted.end();
  });

  it("W4 is opened again when supervision restarts the worker, while an item left behind still runs", async () => {
    const { source, item, ...hosted } = streaming(
      { concurrency: 2 },
      { restart: { backoff: constant(50) }, graceMs: 10 },
    );
    await hosted.start();
    source.push("a");
    source.fail(new Error("connection lost"));
    await hosted.clock.advance(60);
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, abandoned: 1 });
    source.push("b", "c");
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 60", "c at 60"]);
    item("a").fail(new Error("late"));
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, abandoned: 0 });
    await hosted.end();
  });
});

describe("L12 the async context", () => {
  it("L12 asks, handles and closes in the async context of the runtime's creation", async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const asked = gate<IteratorResult<string>>();
    const never = gate<IteratorResult<string>>();
    const iterator = {
      next: () => {
        seen.push(["next", request.getStore()]);
        return seen.length === 1 ? asked.promise : never.promise;
      },
      return: () => {
        seen.push(["return", request.getStore()]);
        return Promise.resolve({ value: undefined, done: true as const });
      },
    };
    const worker = stream({
      source: () => ({ [Symbol.asyncIterator]: () => iterator }),
      handle: () => seen.push(["handle", request.getStore()]),
    });
    const hosted = host(worker);
    await request.run("start", () => hosted.start());
    request.run("push", () => asked.open({ value: "a", done: false }));
    await hosted.clock.flush();
    await request.run("stop", () => hosted.clock.settle(hosted.runtime.stop("w")));
    expect(seen.map((entry) => (entry as unknown[])[1])).not.toContain("stop");
    expect(new Set(seen.map((entry) => (entry as unknown[])[1]))).toEqual(new Set([undefined]));
    expect(seen.map((entry) => (entry as unknown[])[0])).toContain("return");
    await hosted.end();
  });
});
