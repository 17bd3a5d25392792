import { AssertionError } from "node:assert";
import { defineWorker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import {
  createTestRuntime,
  type ExpectedEvent,
  expectEvents,
  expectLog,
  expectNoTimers,
  expectWorker,
  recordEvents,
  scriptedWorker,
} from "../src/index.ts";

async function started(seed = 1) {
  const worker = scriptedWorker({ start: [{ ends: "fail" }, { afterMs: 20 }] });
  const test = createTestRuntime({ seed, workers: [defineWorker({ name: "db", worker })] });
  await test.settle(() => test.runtime.start("db")).catch(() => {});
  await test.advance(100);
  await test.settle(() => test.runtime.start("db"));
  return test;
}

function thrownBy(call: () => void): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof AssertionError) return error;
  }
  throw new Error("it threw no AssertionError");
}

const LOG = `
  +0 worker:registered db#0 kind="worker" state="registered"
  +0 worker:transition db#1 from="registered" to="starting" reason="start"
  +0 runtime:transition from="registered" to="starting" reason="db: start"
  +0 worker:transition db#1 from="starting" to="failed" reason="start failed"
  +0 worker:failure db#1 phase="start" attempt=1 final=true panic=false code="WORKER_FAILED" message="the worker failed"
  +0 runtime:transition from="starting" to="failed" reason="db: start failed"
  +100 worker:transition db#2 from="failed" to="starting" reason="start"
  +100 runtime:transition from="failed" to="starting" reason="db: start"
  +120 worker:transition db#2 from="starting" to="running" reason="started"
  +120 worker:readiness db#2 ready=true
  +120 worker:admission db#2 acceptingWork=true
  +120 runtime:transition from="starting" to="running" reason="db: started"
  +120 runtime:readiness ready=true
`;

describe("a record of events", () => {
  it("is a text of relative times, names, workers and fields", async () => {
    const { record } = await started();
    expectLog(record, LOG);
    expect(record.text).toBe(`${record.lines.join("\n")}\n`);
  });

  it("is the same byte for byte each time", async () => {
    const texts = new Set<string>();
    for (let run = 0; run < 20; run++) texts.add((await started()).record.text);
    expect(texts.size).toBe(1);
  });

  it("holds only the events that are asked for, forgets on request, and ends", async () => {
    const { runtime, clock, settle } = await started();
    const record = recordEvents(runtime, { only: ["worker:readiness"] });
    await settle(() => runtime.stop("db"));
    await clock.flush();
    expect(record.lines).toEqual(["+0 worker:readiness db#2 ready=false"]);
    record.clear();
    expect(record.events).toEqual([]);
    record.dispose();
    await settle(() => runtime.start("db"));
    expect(record.text).toBe("");
  });

  it.each([
    [{ only: "worker:readiness" }, "options.only"],
    [{ only: [1] }, "options.only[0]"],
    [{ name: "x" }, "options.name"],
  ])("refuses %j", (options, path) => {
    const { runtime } = createTestRuntime();
    expect(() => recordEvents(runtime, options as object)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        details: expect.objectContaining({ path }),
      }),
    );
  });
});

describe("expectations", () => {
  it("expectLog shows the lines that differ", async () => {
    const { record } = await started();
    const error = thrownBy(() => expectLog(record, LOG.replace("ready=true", "ready=false")));
    expect(error.message).toContain("\n- +120 worker:readiness db#2 ready=false\n");
    expect(error.message).toContain("\n+ +120 worker:readiness db#2 ready=true\n");
    expect(error.message).toContain('\n  +0 worker:registered db#0 kind="worker"');
    expect(thrownBy(() => expectLog(record, `${LOG}+121 one more`)).message).toContain(
      "\n- +121 one more",
    );
    expect(thrownBy(() => expectLog(record, "")).message).toContain("\n+ +0 worker:registered");
  });

  it("expectEvents wants events in order, with anything in between", async () => {
    const { record } = await started();
    const failed: ExpectedEvent = { name: "worker:transition", worker: "db", to: "failed" };
    const running: ExpectedEvent = { name: "worker:transition", to: "running" };
    expectEvents(record, [failed, running]);
    expectEvents(record, []);
    const error = thrownBy(() => expectEvents(record, [running, failed]));
    expect(error.message).toContain(
      `no event ${JSON.stringify(failed)} after ${JSON.stringify(running)}`,
    );
    expect(error.message).toContain("\n? +120 runtime:readiness ready=true");
    expect(error.message).toContain("\n  +0 worker:registered");
    expect(() => expectEvents(record, [running, running])).toThrow(AssertionError);
  });

  it("expectWorker compares the fields that are named", async () => {
    const { runtime } = await started();
    expectWorker(runtime, "db", { state: "running", ready: true, lastFailure: undefined });
    const error = thrownBy(() => expectWorker(runtime, "db", { state: "failed", ready: true }));
    expect(error.message).toBe(
      'worker db is not as expected (- expected, + actual)\n- state: "failed"\n+ state: "running"',
    );
    expect(thrownBy(() => expectWorker(runtime, "nobody", {})).message).toBe(
      "there is no worker nobody",
    );
  });

  it("expectNoTimers names what is left, and when it would fire", async () => {
    const { clock, advance } = await started();
    expectNoTimers(clock);
    clock.setTimeout(() => {}, 500, { label: "a poll" });
    clock.setTimeout(() => {}, 100, { label: "an idle one", ref: false });
    const one = "1 timer is left:\n  a poll, in 500 ms";
    expect(thrownBy(() => expectNoTimers(clock)).message).toBe(one);
    clock.block(200);
    const both = "  an idle one, 100 ms late\n  a poll, in 300 ms";
    const left = thrownBy(() => expectNoTimers(clock, { unrefed: true })).message;
    for (const line of both.split("\n")) expect(left).toContain(line);
    await advance(500);
    expectNoTimers(clock);
  });
});

describe("a test runtime", () => {
  it("fails a test that would hang, with the timers that it waits on", async () => {
    const { settle, clock } = createTestRuntime();
    const tick = () => {
      clock.setTimeout(tick, 3_600_000, { label: "a poll" });
    };
    tick();
    await expect(settle(new Promise(() => {}))).rejects.toThrow(
      "waiting on 1 timers: a poll in 3600000 ms",
    );
  });

  it("ends only when nothing is left", async () => {
    const { clock, end } = await started();
    clock.setTimeout(() => {}, 1_000, { label: "forgotten" });
    await expect(end()).rejects.toThrow("forgotten, in 1000 ms");
  });

  it("draws its chance from the seed, and collects what listeners throw", async () => {
    const numbers = (seed: number) => {
      const { random } = createTestRuntime({ seed });
      return [random(), random(), random()];
    };
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    expect(Math.min(...numbers(7))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers(7))).toBeLessThan(1);
    const { runtime, clock, listenerErrors } = createTestRuntime();
    runtime.events.on("worker:registered", () => {
      throw "no";
    });
    runtime.register(defineWorker({ name: "db", worker: scriptedWorker() }));
    await clock.flush();
    expect(listenerErrors).toEqual(["no"]);
  });

  it.each([
    [{ seed: 1.5 }, "seed"],
    [{ seed: "1" }, "seed"],
    [{ clock: {} }, "clock"],
    [{ now: Number.NaN }, "now"],
    [{ retries: 1 }, "retries"],
  ])("refuses %j", (options, path) => {
    expect(() => createTestRuntime(options as object)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        details: expect.objectContaining({ path }),
      }),
    );
  });
});
