import { stream } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { gate } from "../worker/gate.ts";
import { channel } from "./channel.ts";
import { host, outcomeOf } from "./host.ts";
import { streaming } from "./streaming.ts";

const never = new Promise<never>(() => {});

describe("W4 drain", () => {
  it("W4 asks for nothing more, and lets the items in flight finish", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 3 });
    await hosted.start();
    source.push("a", "b");
    await hosted.clock.flush();
    const asked = source.asked();
    await hosted.runtime.drain("w");
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 2 });
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    expect(source.asked()).toBe(asked);
    await hosted.end();
  });

  it("W4 handles the item that a pending next still yields, and asks for no other", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(200);
    source.push("b", "c");
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 200"]);
    item("a").open(undefined);
    item("b").open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.log).toEqual(["a at 0", "b at 200"]);
    expect(hosted.clock.monotonicMs()).toBe(200);
    expect(hosted.status().state).toBe("stopped");
    await hosted.end();
  });

  it("W4 a stop of an idle stream waits for what a pending next yields within the grace", async () => {
    const { source, item, ...hosted } = streaming();
    await hosted.start();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(900);
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    source.push("a");
    await hosted.clock.advance(5_000);
    expect(hosted.log).toEqual(["a at 900"]);
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    expect(source.returned()).toBe(0);
    item("a").open(undefined);
    await hosted.clock.settle(stopped);
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(5_900);
    await hosted.end();
  });

  it("W4 a source that ends when draining aborts is waited for no longer, and not told to return", async () => {
    const log: string[] = [];
    const worker = stream({
      async *source({ draining }) {
        yield "a";
        await new Promise((resolve) => draining.addEventListener("abort", resolve));
        yield "the rest";
      },
      handle: (item) => log.push(item),
      concurrency: 2,
    });
    const hosted = host(worker);
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(log).toEqual(["a", "the rest"]);
    expect(hosted.clock.monotonicMs()).toBe(0);
    expect(hosted.status()).toMatchObject({ state: "stopped" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W4 a source that ends while it drains is not told to return, any other is", async () => {
    for (const ends of [true, false]) {
      const { source, ...hosted } = streaming();
      await hosted.start();
      const stopped = hosted.runtime.stop("w");
      await hosted.clock.advance(10);
      if (ends) source.end();
      await hosted.clock.settle(stopped);
      expect(source.returned()).toBe(ends ? 0 : 1);
      await hosted.end();
    }
  });

  it("W4 the items of a source that had ended before drain began may finish: that is success", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a");
    source.end();
    await hosted.clock.flush();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(5_000);
    item("a").open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(5_000);
    expect(hosted.status()).toMatchObject({ state: "stopped" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W4 the grace of a pending next runs beside the items, which may take longer", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 }, { graceMs: 100 });
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(5_000);
    expect(source.returned()).toBe(0);
    source.push("b");
    item("b").open(undefined);
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 0", "b at 5000"]);
    item("a").open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(5_000);
    await hosted.end();
  });

  it("W4 an item that is abandoned meanwhile is waited for no longer", async () => {
    const { source, item, ...hosted } = streaming({ itemTimeoutMs: 50 }, { graceMs: 10 });
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(60);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 1 });
    item("a").open(undefined);
    await hosted.end();
  });

  it("W4 a plain drain resolves at once, and an item that comes much later is still handled", async () => {
    const { source, item, ...hosted } = streaming();
    await hosted.start();
    await hosted.runtime.drain("w");
    expect(hosted.clock.monotonicMs()).toBe(0);
    await hosted.clock.advance(60_000);
    expect(source.returned()).toBe(1);
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 0 });
    source.push("a", "b");
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["a at 60000"]);
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    item("a").open(undefined);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 0 });
    await hosted.end();
  });
});

describe("W4 return", () => {
  it("W4 is called once, after the last item ended", async () => {
    const { source, item, ...hosted } = streaming({ concurrency: 2 });
    await hosted.start();
    source.push("a", "b");
    await hosted.clock.flush();
    expect(source.open()).toBe(0);
    const stopped = hosted.runtime.stop("w");
    item("a").open(undefined);
    await hosted.clock.advance(5_000);
    expect(source.returned()).toBe(0);
    item("b").open(undefined);
    await hosted.clock.settle(stopped);
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(5_000);
    await hosted.end();
    expect(source.returned()).toBe(1);
  });

  it("W4 holds the stop until it has settled, and what holds it is named", async () => {
    const closing = gate();
    const source = channel<string>(() => closing.promise);
    const { item, ...hosted } = streaming({}, { graceMs: 8_000 }, source);
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    const stopped = hosted.runtime.stop("w");
    item("a").open(undefined);
    await hosted.clock.advance(5_000);
    expect(source.returned()).toBe(1);
    expect(hosted.status().state).toBe("draining");
    expect(hosted.heard.find(([name]) => name === "runtime:waiting")?.[1]).toMatchObject({
      held: [{ worker: "w", label: "source", ageMs: 5_000 }],
    });
    closing.open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(5_000);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 0 });
    await hosted.end();
  });

  it("W4 comes at the cut at the latest, while an item still runs", async () => {
    const { source, item, contexts, ...hosted } = streaming({}, { drainTimeoutMs: 300 });
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(299);
    expect(source.returned()).toBe(0);
    await hosted.clock.advance(1);
    expect(source.returned()).toBe(1);
    expect(contexts.get("a")?.signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
    item("a").open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(300);
    expect(source.returned()).toBe(1);
    await hosted.end();
  });

  it("W4 comes at the cut although the source alone held the drain", async () => {
    const { source, ...hosted } = streaming({}, { drainTimeoutMs: 300 });
    await hosted.start();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(299);
    expect(source.returned()).toBe(0);
    await hosted.clock.settle(stopped);
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(300);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 0 });
    await hosted.end();
  });

  it("W4 that hangs at the cut is bounded by graceMs, and nothing was abandoned", async () => {
    const source = channel<string>(() => never);
    const hosted = streaming({}, { drainTimeoutMs: 300, graceMs: 400 }, source);
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(700);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 0 });
    expect(hosted.heard.map(([name]) => name)).not.toContain("worker:abandoned");
    await hosted.end();
  });

  it("W4 comes at once with drainTimeoutMs 0", async () => {
    const { source, ...hosted } = streaming({}, { drainTimeoutMs: 0 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(source.returned()).toBe(1);
    expect(hosted.clock.monotonicMs()).toBe(0);
    await hosted.end();
  });

  it("W4 is bounded by graceMs: a generator's return queues behind its pending next", async () => {
    const worker = stream({
      async *source() {
        yield "a";
        await never;
        yield "b";
      },
      handle: () => {},
      concurrency: 2,
    });
    const hosted = host(worker, { graceMs: 100 });
    await hosted.start();
    const report = await hosted.clock.settle(hosted.runtime.shutdown());
    // A grace for what the source still yields, and one for its return.
    expect(hosted.clock.monotonicMs()).toBe(200);
    expect(report.workers[0]).toMatchObject({ outcome: "stopped", abandoned: [] });
    await hosted.end();
  });

  it("W4 is bounded by graceMs when the worker fails, too", async () => {
    const source = channel<string>(() => never);
    const { item, ...hosted } = streaming({ onError: "fail" }, { graceMs: 100 }, source);
    await hosted.start();
    source.push("a");
    item("a").fail(new Error("poison"));
    await hosted.clock.flush();
    expect(source.returned()).toBe(1);
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(100);
    expect(hosted.status().state).toBe("stopped");
    await hosted.end();
  });

  it("W4 is not called on an iterator that has none", async () => {
    const worker = stream({
      source: () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }),
      handle: () => {},
    });
    const hosted = host(worker, { graceMs: 100 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(100);
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W2 that fails during a drain fails the worker, unless it is abort-shaped", async () => {
    for (const [error, state] of [
      [new Error("cannot unsubscribe"), "failed"],
      [new DOMException("aborted", "AbortError"), "stopped"],
    ] as const) {
      const source = channel<string>(() => Promise.reject(error));
      const { item, ...hosted } = streaming({}, {}, source);
      await hosted.start();
      source.push("a");
      item("a").open(undefined);
      await hosted.clock.flush();
      source.push("b");
      await hosted.clock.flush();
      const stopped = outcomeOf(hosted.runtime.stop("w"));
      item("b").open(undefined);
      await hosted.clock.settle(stopped);
      expect(hosted.status().lastFailure?.code, error.message).toBe(
        state === "failed" ? "WORKER_FAILED" : undefined,
      );
      await hosted.end();
    }
  });
});
