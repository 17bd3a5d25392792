import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, stream } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { host } from "./host.ts";
import { streaming } from "./streaming.ts";

describe("W2 the source and items during a stop", () => {
  it("W2 a source that ends or throws its abort once drain began is success", async () => {
    const worker = stream({
      async *source({ draining }) {
        yield "a";
        await new Promise((_resolve, reject) => {
          draining.addEventListener("abort", () => reject(draining.reason));
        });
      },
      handle: () => {},
      concurrency: 2,
    });
    const hosted = host(worker);
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(hosted.status()).toMatchObject({ state: "stopped" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W2 any other error of the source fails a worker that drains", async () => {
    const { source, ...hosted } = streaming();
    await hosted.start();
    await hosted.runtime.drain("w");
    source.fail(new Error("connection lost"));
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "WORKER_FAILED" },
    });
    await hosted.end();
  });

  it("W2 an item that ends because of the cut is no failure, whatever onError says", async () => {
    const asked: unknown[] = [];
    const { source, item, contexts, ...hosted } = streaming(
      {
        onError: (error) => {
          asked.push(error);
          return "fail";
        },
      },
      { drainTimeoutMs: 10 },
    );
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    const signal = contexts.get("a")?.signal;
    signal?.addEventListener("abort", () => item("a").fail(signal.reason));
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(asked).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "stopped" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W2 an item's own error after the cut is recorded with onError fail, and the stop ends as stopped", async () => {
    const { source, item, contexts, ...hosted } = streaming(
      { onError: "fail" },
      { drainTimeoutMs: 10 },
    );
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    contexts
      .get("a")
      ?.signal.addEventListener("abort", () => item("a").fail(new Error("no rollback")));
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.status()).toMatchObject({
      state: "stopped",
      lastFailure: { code: "WORKER_STOPPING" },
    });
    expect(hosted.status()).not.toHaveProperty("lastItemFailure");
    await hosted.end();
  });

  it("W2 such an error fails nothing while others of its level still drain", async () => {
    const clock = createFakeClock();
    const never = new Promise<never>(() => {});
    const late = stream({
      source: () => ["item"],
      onEnd: "complete",
      onError: "fail",
      handle: (_item, ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(new Error("no rollback")));
        }),
    });
    const slow = stream({ source: () => ["item"], onEnd: "complete", handle: () => never });
    const workers = [
      defineWorker({ name: "late", worker: late, drainTimeoutMs: 10 }),
      defineWorker({ name: "slow", worker: slow, drainTimeoutMs: 500 }),
    ];
    const runtime = createLifecycle({ name: "rt", clock, workers });
    const states: string[] = [];
    runtime.events.on("worker:transition", ({ worker, to }) => {
      if (worker === "late") states.push(to);
    });
    await clock.settle(runtime.startAll());
    await clock.settle(runtime.shutdown().catch(() => {}));
    expect(states).toEqual(["starting", "running", "draining", "stopping", "stopped"]);
    expect(runtime.worker("late")?.lastFailure?.code).toBe("WORKER_STOPPING");
  });

  it("W4 an item that ignores the cut is abandoned and named, and the stop goes on", async () => {
    const { source, item, ...hosted } = streaming({}, { drainTimeoutMs: 10, graceMs: 20 });
    await hosted.start();
    source.push("a");
    await hosted.clock.flush();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(30);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 1 });
    expect(await hosted.told()).toContain('abandoned lease "item" aged 30');
    item("a").open(undefined);
    await hosted.end();
  });

  it("L9 an item that the source yields after its generation ended is not handled", async () => {
    const { source, ...hosted } = streaming({}, { drainTimeoutMs: 0 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    source.push("late");
    await hosted.clock.flush();
    expect(hosted.log).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "stopped", inFlight: 0 });
    await hosted.end();
  });
});
