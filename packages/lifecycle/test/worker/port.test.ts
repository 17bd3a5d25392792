// What an extension sees of a worker: whether work may begin, when it closes, and what it may say of a generation.

import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, type WorkerOptions } from "@workerkit/lifecycle";
import {
  type ClosingReason,
  extend,
  type WorkerPort,
  WorkLease,
} from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { watch } from "./outcome.ts";

/** A runtime with the ports of its workers, and what the extension was told, in which state. */
function ports(
  ...options: readonly (Omit<WorkerOptions<unknown>, "worker"> & {
    readonly drain?: () => unknown;
  })[]
) {
  const clock = createFakeClock();
  const runtime = createLifecycle({ name: "rt", clock });
  const found = new Map<string, WorkerPort>();
  const closings: string[] = [];
  extend(runtime, {
    name: "test",
    workerOptions: {},
    runtimeOptions: {},
    attach: () => undefined,
    onRegister: (port) => void found.set(port.name, port),
    onClosing: (port: WorkerPort, why: ClosingReason) => {
      closings.push(`${port.name} ${why} while ${runtime.worker(port.name)?.state}`);
    },
  });
  for (const { drain, ...policy } of options) {
    const worker = { start: () => {}, stop: () => {}, ...(drain && { drain }) };
    runtime.register(defineWorker<unknown>({ ...policy, worker }));
  }
  const port = (name: string): WorkerPort => {
    const known = found.get(name);
    if (known === undefined) throw new Error(`${name} has no port`);
    return known;
  };
  const lease = (name: string, label = "job") => {
    const work = new WorkLease(label);
    port(name).open(work);
    return work;
  };
  return { clock, runtime, port, lease, closings };
}

describe("work from outside", () => {
  it("C2 may begin while runtime and worker are open, and is refused by the same error each time", async () => {
    const { runtime, port, clock } = ports({ name: "w" }, { name: "other" });
    const code = () => port("w").refusal()?.code;
    expect(code()).toBe("INVALID_WORKER_STATE");
    await runtime.startAll();
    expect(code()).toBe(undefined);
    port("w").context?.setAcceptingWork(false);
    expect(code()).toBe("WORKER_NOT_ACCEPTING_WORK");
    expect(port("w").refusal()).toBe(port("w").refusal());
    port("w").context?.setAcceptingWork(true);
    await runtime.stop("w");
    expect(port("w").refusal()).toMatchObject({
      code: "INVALID_WORKER_STATE",
      details: { worker: "w", state: "stopped" },
    });
    expect(port("w").refusal()).toBe(port("w").refusal());
    await runtime.start("w");
    await runtime.stopAll();
    expect(code()).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    await runtime.start("w");
    expect(code()).toBe(undefined);
    await clock.settle(runtime.shutdown());
  });

  it("C2 is refused everywhere while a worker has failed the runtime", async () => {
    const { runtime, port, clock } = ports(
      { name: "w" },
      { name: "vital", failurePolicy: "fail-runtime" },
    );
    await runtime.startAll();
    runtime.events.on("worker:failure", () => {});
    port("vital").fail(1, new Error("down"));
    expect(port("w").refusal()?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    await clock.settle(runtime.shutdown());
  });
});

describe("work for other work", () => {
  it("C3 is owed by a draining worker to what was admitted before it drained, until the cut", async () => {
    const { runtime, clock, port, lease } = ports(
      { name: "w", drainTimeoutMs: 100 },
      { name: "from" },
    );
    await runtime.startAll();
    const before = lease("from");
    const held = lease("w");
    void runtime.stop("w");
    const after = lease("from");
    expect(port("w").refusal(before)).toBe(undefined);
    expect(port("w").refusal(after)?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    void runtime.drain("from");
    expect(port("w").refusal(after)).toBe(undefined);
    await clock.advance(100);
    expect(port("w").refusal(before)?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    for (const each of [before, held, after]) each.release();
    expect(port("w").refusal(before)?.code).toBe("PARENT_ENDED");
    await clock.settle(runtime.shutdown());
  });

  it("C3 skips whether the runtime is open", async () => {
    const { runtime, clock, port, lease } = ports({ name: "w" }, { name: "from" });
    await runtime.startAll();
    const parent = lease("from");
    const all = watch(runtime.stopAll());
    expect(port("w").refusal()?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    expect(port("w").refusal(parent)).toBe(undefined);
    parent.release();
    await clock.flush();
    expect(all.now()).toBe("done");
    await clock.settle(runtime.shutdown());
  });
});

describe("a port", () => {
  it("L9 fails its worker's generation, not one that is over", async () => {
    const { runtime, clock, port } = ports({ name: "w" });
    runtime.events.on("worker:failure", () => {});
    await runtime.start("w");
    await runtime.stop("w");
    await runtime.start("w");
    expect(port("w").generation).toBe(2);
    expect(port("w").fail(1, new Error("stale"))).toBe(false);
    expect(runtime.worker("w")?.state).toBe("running");
    expect(port("w").fail(2, new Error("down"))).toBe(true);
    expect(runtime.worker("w")?.state).toBe("failed");
    expect(port("w").fail(2, new Error("again"))).toBe(false);
    await clock.settle(runtime.shutdown());
  });

  it("L9 notes a command's failure for a generation that lives; a new start keeps it", async () => {
    const { runtime, clock, port } = ports({ name: "w" });
    const failure = { command: "c", code: "NO", message: "no", at: 1 };
    await runtime.start("w");
    expect(port("w").note(1, failure)).toBe(true);
    expect(runtime.worker("w")?.lastCommandFailure).toEqual(failure);
    await runtime.stop("w");
    expect(port("w").note(1, { ...failure, code: "LATE" })).toBe(false);
    await runtime.start("w");
    expect(port("w").note(1, { ...failure, code: "LATE" })).toBe(false);
    expect(runtime.worker("w")?.lastCommandFailure).toEqual(failure);
    await clock.settle(runtime.shutdown());
  });

  it("L11 is told that its worker closes within the change, once the state is written", async () => {
    const { runtime, clock, port, closings } = ports({
      name: "w",
      restart: { backoff: { delayMs: () => 10 } },
    });
    await runtime.start("w");
    port("w").fail(1, new Error("down"));
    await clock.advance(10);
    await runtime.drain("w");
    await runtime.stop("w");
    expect(closings).toEqual([
      "w failure while restarting",
      "w drain while draining",
      "w stop while stopping",
    ]);
    await clock.settle(runtime.shutdown());
  });
});
