import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, type ShutdownRequest } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { crew, type Hook, part } from "./crew.ts";
import { never, outcomeOf } from "./held.ts";

const broken = new Error("broken");
const takes =
  (ms: number): Hook =>
  ({ clock }) =>
    new Promise<void>((resolve) => clock.setTimeout(resolve, ms));

describe("await using", () => {
  it("B7 shuts the runtime down at the end of its scope", async () => {
    const log: string[] = [];
    const worker = part("w", { stop: () => log.push("stopped") });
    {
      await using runtime = createLifecycle({ name: "shop", workers: [worker] });
      await runtime.startAll();
      log.push("used");
    }
    log.push("after");
    expect(log).toEqual(["used", "stopped", "after"]);
  });

  it("B7 throws what the shutdown throws, beside what the scope threw", async () => {
    const worker = part("w", { stop: () => Promise.reject(broken) });
    const scope = async () => {
      await using runtime = createLifecycle({
        name: "shop",
        clock: createFakeClock(),
        workers: [worker],
      });
      runtime.events.on("worker:failure", () => {}); // else the process is warned
      await runtime.startAll();
      throw new Error("the scope");
    };
    const error = (await scope().catch((thrown: unknown) => thrown)) as Error & {
      error: AggregateError;
    };
    expect(error.error.errors).toEqual([broken]);
  });
});

describe("a worker's request for its stop", () => {
  it("B7 returns at once, and never waits for the lease of its own caller", async () => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    const lease = it.context("w").admit("the caller");
    expect(it.context("w").requestStop("done for today")).toBe(true);
    expect(it.state("w")).toBe("draining");
    expect(it.runtime.worker("w")?.lastTransition?.reason).toBe("done for today");
    lease?.release();
    await it.clock.flush();
    expect(it.state("w")).toBe("stopped");
    await it.end();
  });

  it("B7 from a start hook, a drain hook and a stop hook ends like any other stop", async () => {
    for (const hook of ["start", "drain", "stop"] as const) {
      const it = crew({
        w: {
          [hook]: ({ requestStop }: { requestStop(why: string): boolean }) => requestStop("enough"),
        },
      });
      const start = outcomeOf(it.runtime.start("w"));
      await it.clock.flush();
      if (hook !== "start") await it.runtime.stop("w");
      await it.clock.flush();
      expect(it.state("w")).toBe("stopped");
      expect(start.value).toEqual(
        hook === "start" ? expect.objectContaining({ code: "INTERRUPTED" }) : "resolved",
      );
      expect(it.calls.filter((call) => call.startsWith("stop"))).toHaveLength(1);
      await it.end();
    }
  });

  it("B7 is refused where others depend on the worker, and that is told of", async () => {
    const it = crew({ db: {}, api: { dependsOn: ["db"] } });
    await it.runtime.startAll();
    expect(it.context("db").requestStop("done")).toBe(true);
    await it.clock.flush();
    expect(it.states()).toBe("db running, api running");
    expect(it.listenerErrors).toMatchObject([[{ code: "INVALID_WORKER_STATE" }, "requestStop"]]);
    await it.end();
  });

  it("B7 whose stop fails shows in status and events, and rejects nowhere", async () => {
    const it = crew({ w: { stop: () => Promise.reject(broken) } });
    await it.runtime.start("w");
    it.context("w").requestStop("done");
    await it.clock.flush();
    expect(it.state("w")).toBe("failed");
    expect(it.events).toContain("w: failure WORKER_FAILED, final");
    await it.end();
  });

  it("L10 on an ended generation returns false and changes nothing", async () => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    const old = it.context("w");
    await it.runtime.stop("w");
    await it.runtime.start("w");
    await it.settled();
    expect([old.requestStop("late"), old.requestShutdown("late")]).toEqual([false, false]);
    await it.clock.flush();
    expect(it.events).toEqual([]);
    await it.end();
  });
});

describe("a worker's request for a shutdown", () => {
  it("B7 shuts the runtime down when nobody listens, whatever the caller holds", async () => {
    const it = crew({ w: { stop: takes(10) }, other: {} });
    await it.runtime.startAll();
    const lease = it.context("w").admit();
    expect(it.context("w").requestShutdown("out of work")).toBe(true);
    expect(it.states()).toBe("w draining, other draining");
    await expect(it.runtime.startAll()).rejects.toMatchObject({ code: "INVALID_RUNTIME_STATE" });
    lease?.release();
    await it.clock.advance(10);
    expect(it.states()).toBe("w stopped, other stopped");
    await it.end();
  });

  it("B7 twice, and beside a shutdown, is one shutdown; what fails in it rejects nowhere", async () => {
    const it = crew({ w: { stop: () => Promise.reject(broken) } });
    await it.runtime.start("w");
    const { requestShutdown } = it.context("w");
    requestShutdown("first");
    requestShutdown("second");
    const shutdown = outcomeOf(it.runtime.shutdown());
    await it.clock.flush();
    expect(shutdown.value).toBeInstanceOf(AggregateError);
    expect(it.calls).toEqual(["start w at 0", "stop w at 0"]);
    await it.end();
  });

  it("B7 is left to whoever listens, who hears of the first request only", async () => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    const heard: ShutdownRequest[] = [];
    const off = it.runtime.onShutdown((request) => heard.push(request));
    const { requestShutdown } = it.context("w");
    expect([requestShutdown("first"), requestShutdown("second")]).toEqual([true, true]);
    await it.clock.flush();
    expect(heard).toEqual([{ reason: "first", worker: "w" }]);
    expect(it.state("w")).toBe("running");
    await it.runtime.shutdown();
    expect(heard).toHaveLength(1);
    // The next life is announced anew.
    await it.runtime.start("w");
    await it.runtime.shutdown();
    expect(heard).toEqual([{ reason: "first", worker: "w" }, { reason: "shutdown" }]);
    off();
    off();
    await it.runtime.start("w");
    it.context("w").requestShutdown("nobody listens");
    await it.clock.flush();
    expect(it.state("w")).toBe("stopped");
    expect(heard).toHaveLength(2);
  });

  it("B7 listeners hear of a shutdown before any worker is told, and may call it themselves", async () => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    let own: { readonly value: unknown } | undefined;
    it.runtime.onShutdown(async () => {
      own = outcomeOf(it.runtime.shutdown());
    });
    it.context("w").requestShutdown("please");
    await it.clock.flush();
    expect(own?.value).toBe("resolved");
    expect(it.state("w")).toBe("stopped");
    await it.end();
  });

  it("B7 a listener that throws, rejects or hangs holds up nobody", async () => {
    const it = crew({ w: {} });
    await it.runtime.start("w");
    const heard: string[] = [];
    it.runtime.onShutdown(() => {
      throw broken;
    });
    it.runtime.onShutdown(() => Promise.reject(broken));
    it.runtime.onShutdown(never);
    const listener = ({ reason }: ShutdownRequest) => {
      heard.push(reason);
    };
    const off = it.runtime.onShutdown(listener);
    it.runtime.onShutdown(listener); // one function may listen twice
    off();
    await it.runtime.shutdown();
    expect(heard).toEqual(["shutdown"]);
    expect(it.listenerErrors).toEqual([
      [broken, "onShutdown"],
      [broken, "onShutdown"],
    ]);
    expect(it.clock.monotonicMs()).toBe(0);
  });
});
