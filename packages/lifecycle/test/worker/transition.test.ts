// R3 and the one place where a worker changes: in which order a change is told, and what happens when nobody listens.

import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("a change", () => {
  it("R3 is told as transition, readiness, admission, failure, runtime transition, runtime readiness", async () => {
    const { runtime, context, told, end } = rig();
    await runtime.start("w");
    expect(await told()).toEqual([
      "registered > starting (start)",
      "runtime registered > starting",
      "starting > running (started)",
      "ready",
      "accepting",
      "runtime starting > running",
      "runtime ready",
    ]);
    context().reportFailure(new Error("down"));
    expect(await told()).toEqual([
      "running > failed (run failed)",
      "not ready",
      "not accepting",
      "failure in run 1: WORKER_FAILED, final",
      "runtime running > failed",
      "runtime not ready",
    ]);
    await end();
  });

  it("R3 to restarting is told with its failure, and the restart after it", async () => {
    const { runtime, context, told, end } = rig({ restart: { backoff: constant(50) } });
    await runtime.start("w");
    await told();
    context().reportFailure(new Error("down"));
    expect(await told()).toEqual([
      "running > restarting (run failed)",
      "not ready",
      "not accepting",
      "failure in run 1: WORKER_FAILED",
      "runtime running > starting",
      "runtime not ready",
      "restart 1 in 50: WORKER_FAILED",
    ]);
    await end();
  });

  it("R3 that changes nothing is not told", async () => {
    const { runtime, told, end } = rig({ readyOnStart: false, acceptingWorkOnStart: false });
    await runtime.start("w");
    expect(await told()).toEqual([
      "registered > starting (start)",
      "runtime registered > starting",
      "starting > running (started)",
      "runtime starting > running",
    ]);
    await runtime.stop("w");
    expect(await told()).toEqual([
      "running > draining (stop)",
      "runtime running > draining",
      "draining > stopping (stop)",
      "runtime draining > stopping",
      "stopping > stopped (stopped)",
      "runtime stopping > stopped",
    ]);
    await end();
  });

  it("R3 carries runtime, worker, generation and the time of the runtime's clock", async () => {
    const { runtime, clock, heard, end } = rig();
    await clock.advance(5);
    clock.jump(1_000);
    await runtime.start("w");
    await clock.flush();
    for (const [name, event] of heard) {
      expect(event).toMatchObject({ runtime: "rt", at: 1_005 });
      if (name.startsWith("worker:")) expect(event).toMatchObject({ worker: "w", generation: 1 });
    }
    expect(heard.length).toBe(7);
    await end();
  });
});

describe("a worker that failed", () => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  // Node's own listener, which prints, is put aside meanwhile.
  const printing = process.listeners("warning");
  beforeEach(() => {
    process.removeAllListeners("warning");
    process.on("warning", hear);
  });
  afterEach(() => {
    process.off("warning", hear);
    for (const listener of printing) process.on("warning", listener);
    warnings.length = 0;
  });

  /** Lets one worker fail in a runtime to which a test may have listened. */
  async function failOne(listen: (runtime: ReturnType<typeof createLifecycle>) => void) {
    const clock = createFakeClock();
    const definition = defineWorker({
      name: "w",
      worker: {
        start: () => {
          throw new Error("the very words");
        },
        stop: () => {},
      },
    });
    const runtime = createLifecycle({ name: "rt", clock, workers: [definition] });
    listen(runtime);
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("the very words"));
    await clock.flush();
    await runtime.shutdown();
    return warnings;
  }

  it("R3 warns the process, in full, when nobody listens", async () => {
    const heard = await failOne(() => {});
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ code: "WORKERKIT_WORKER_FAILED" });
    expect(heard[0]?.message).toContain("Worker rt/w failed");
    expect(heard[0]?.message).toContain("the very words");
  });

  it("R3 warns when others are listened to, or none cares for now", async () => {
    const heard = await failOne((runtime) => {
      runtime.events.on("worker:transition", () => {});
      runtime.events.on("worker:failure", () => {}, { when: () => false });
    });
    expect(heard).toHaveLength(1);
  });

  it("R3 warns nobody when somebody listens", async () => {
    expect(await failOne((runtime) => runtime.events.on("worker:failure", () => {}))).toEqual([]);
    expect(await failOne((runtime) => runtime.events.onAny(() => {}))).toEqual([]);
  });
});
