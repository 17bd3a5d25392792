// What nobody waits for any more is not kept, even while the gate lives on and another call hangs.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createGate, mapConcurrent } from "@workerkit/limits";
import { expect, it } from "vitest";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Lets what is pending run out, collects, and says whether the object is still kept. */
async function isKept(reference: WeakRef<object>): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return reference.deref() !== undefined;
}

/** A gate whose one slot is taken. */
function fullGate() {
  const clock = createFakeClock();
  const gate = createGate({ limit: 1, clock });
  const release = gate.tryAcquire();
  return { clock, gate, release };
}

it("P3 a gate keeps a waiter until it leaves, and no longer", async () => {
  const { clock, gate, release } = fullGate();
  let signal: AbortSignal | undefined = new AbortController().signal;
  const reference = new WeakRef(signal);
  const left = gate.acquire({ signal, timeoutMs: 10 }).catch(() => "left");
  signal = undefined;
  expect(await isKept(reference)).toBe(true);
  await clock.advance(10);
  expect(await left).toBe("left");
  expect(await isKept(reference)).toBe(false);
  release?.();
});

it("P3 a gate keeps nobody who was served", async () => {
  const { gate, release } = fullGate();
  let signal: AbortSignal | undefined = new AbortController().signal;
  const reference = new WeakRef(signal);
  const served = gate.acquire({ signal });
  signal = undefined;
  release?.();
  const next = await served;
  expect(await isKept(reference)).toBe(false);
  next();
});

it("P3 a gate keeps nobody who waited for drained, whether answered or aborted", async () => {
  const { gate, release } = fullGate();
  const wait = (controller: AbortController) => {
    const { signal } = controller;
    return { settled: gate.drained({ signal }).catch(() => {}), reference: new WeakRef(signal) };
  };
  const answered = wait(new AbortController());
  const aborted = (() => {
    const controller = new AbortController();
    const waiting = wait(controller);
    controller.abort();
    return waiting;
  })();
  await aborted.settled;
  expect(await isKept(answered.reference)).toBe(true);
  expect(await isKept(aborted.reference)).toBe(false);
  release?.();
  await answered.settled;
  expect(await isKept(answered.reference)).toBe(false);
  expect(gate.active).toBe(0);
});

it("P3 a mapping that is over keeps no item that waited, though its calls hang", async () => {
  const hanging: (() => void)[] = [];
  const hang = () => new Promise<void>((end) => hanging.push(end));
  const controller = new AbortController();
  const map = () => {
    const items = [{}, {}, {}, {}];
    const mapped = mapConcurrent(items, hang, { concurrency: 2, signal: controller.signal });
    return { mapped, reference: new WeakRef(items[3] ?? {}) };
  };
  const { mapped, reference } = map();
  expect(await isKept(reference)).toBe(true);
  controller.abort("over");
  await expect(mapped).rejects.toBe("over");
  expect(await isKept(reference)).toBe(false);
  expect(hanging).toHaveLength(2);
});
