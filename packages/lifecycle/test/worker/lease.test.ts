// A unit of work in flight: what `ctx.admit` gives, and how it is counted.

import { expect, it } from "vitest";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

it("L8 counts a unit of work until it is released, however often that is called", async () => {
  const { runtime, context, status, end } = rig();
  await runtime.start("w");
  const [first, second] = [context().admit("one"), context().admit()];
  expect([first?.label, second?.label, status().inFlight]).toEqual(["one", "work", 2]);
  first?.release();
  first?.release();
  expect(status().inFlight).toBe(1);
  expect(runtime.status().inFlight).toBe(1);
  second?.release();
  expect([status().inFlight, runtime.status().inFlight]).toEqual([0, 0]);
  await end();
});

it("L8 releases a unit of work at the end of its block", async () => {
  const { runtime, context, status, end } = rig();
  await runtime.start("w");
  {
    using _lease = context().admit();
    expect(status().inFlight).toBe(1);
  }
  expect(status().inFlight).toBe(0);
  await end();
});

it("L8 releases in any order, and the rest is still cut off", async () => {
  const { runtime, clock, context, told, end } = rig({ drainTimeoutMs: 100, graceMs: 10 });
  await runtime.start("w");
  const leases = ["a", "b", "c", "d", "e"].map((label) => context().admit(label));
  for (const index of [2, 0, 4]) leases[index]?.release();
  await told();
  const stop = watch(runtime.stop("w"));
  await clock.advance(110);
  expect(stop.now()).toBe("done");
  expect((await told()).filter((event) => event.startsWith("abandoned"))).toEqual([
    'abandoned lease "b" aged 110',
    'abandoned lease "d" aged 110',
  ]);
  for (const lease of leases) lease?.release();
  expect(runtime.worker("w")).toMatchObject({ inFlight: 0, abandoned: 0 });
  await end();
});

it("L8 aborts a unit of work once, with the first reason", async () => {
  const { runtime, clock, context, end } = rig({ drainTimeoutMs: 100 });
  await runtime.start("w");
  const lease = context().admit();
  let aborts = 0;
  lease?.signal.addEventListener("abort", () => {
    aborts += 1;
  });
  void runtime.stop("w");
  await clock.advance(100);
  context().reportFailure(new Error("down"));
  expect([aborts, lease?.signal.reason.code]).toEqual([1, "WORKER_STOPPING"]);
  lease?.release();
  await end();
});

it("L8 leaves the signal of work that has ended alone", async () => {
  const { runtime, context, end } = rig();
  await runtime.start("w");
  const lease = context().admit();
  lease?.release();
  await runtime.stop("w");
  expect(lease?.signal.aborted).toBe(false);
  await end();
});

it("L8 lets an abort listener end other work without being told of it twice", async () => {
  const { runtime, context, status, end } = rig();
  await runtime.start("w");
  const leases = [context().admit(), context().admit(), context().admit()];
  const aborted: number[] = [];
  leases.forEach((lease, index) => {
    lease?.signal.addEventListener("abort", () => {
      aborted.push(index);
      for (const each of leases) each?.release();
    });
  });
  context().reportFailure(new Error("down"));
  expect([aborted, status().inFlight]).toEqual([[0], 0]);
  await end();
});

it("L11 ends the grace when the last work is released by an abort listener", async () => {
  const { runtime, clock, context, calls, end } = rig();
  await runtime.start("w");
  const lease = context().admit();
  lease?.signal.addEventListener("abort", () => lease.release());
  context().reportFailure(new Error("down"));
  const start = watch(runtime.start("w"));
  await clock.flush();
  expect([start.now(), calls]).toEqual(["done", ["start at 0", "stop at 0", "start at 0"]]);
  await end();
});
