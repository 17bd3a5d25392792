import { getEventListeners } from "node:events";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createGate, type QueueOptions, type Release, type WaitOptions } from "@workerkit/limits";
import { describe, expect, it, vi } from "vitest";

/** A gate on a fake clock with its one slot taken, so that whoever asks has to wait. */
function fullGate(queue?: QueueOptions) {
  const clock = createFakeClock();
  const gate = createGate({ limit: 1, queue, clock });
  const release = gate.tryAcquire() as Release;
  return { clock, gate, release };
}

/** Both ways to wait, for what holds of both. */
const WAYS = ["acquire", "run"] as const;
type Way = (typeof WAYS)[number];
const fn = () => {};
const wait = (
  { gate }: ReturnType<typeof fullGate>,
  way: Way,
  options?: WaitOptions,
): Promise<Release | void> => (way === "run" ? gate.run(fn, options) : gate.acquire(options));

const saturated = (details: object) =>
  expect.objectContaining({ code: "SATURATED", details: expect.objectContaining(details) });

describe.each(WAYS)("a wait in %s that is aborted", (way) => {
  it("P3 rejects with the reason, untouched, and leaves the queue", async () => {
    const full = fullGate();
    const controller = new AbortController();
    const reason = { left: "for another queue" };
    const waiting = wait(full, way, { signal: controller.signal });
    const behind = full.gate.acquire();
    controller.abort(reason);
    expect(full.gate.waiting).toBe(1);
    await expect(waiting).rejects.toBe(reason);
    full.release();
    (await behind)();
    expect(full.gate.active).toBe(0);
  });

  it("P3 rejects at once when the signal had aborted before, even while a slot is free", async () => {
    const gate = createGate({ limit: 1 });
    const called = vi.fn();
    const options = { signal: AbortSignal.abort("before") };
    const waiting = way === "run" ? gate.run(called, options) : gate.acquire(options);
    expect(gate.active).toBe(0);
    await expect(waiting).rejects.toBe("before");
    expect(called).not.toHaveBeenCalled();
  });

  it("P3 leaves no listener behind, however it ends", async () => {
    const full = fullGate();
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = () => getEventListeners(signal, "abort").length;
    const served = wait(full, way, { signal });
    const late = wait(full, way, { signal, timeoutMs: 10 });
    expect(listeners()).toBe(1);
    await expect(full.clock.settle(late)).rejects.toEqual(saturated({ reason: "queue-timeout" }));
    expect(listeners()).toBe(1);
    full.release();
    expect(listeners()).toBe(0);
    (await served)?.();
    const aborted = wait(fullGate(), way, { signal });
    controller.abort();
    expect(listeners()).toBe(0);
    await expect(aborted).rejects.toBe(signal.reason);
  });
});

describe("an abort after the slot was granted", () => {
  it("P3 leaves the slot with its holder", async () => {
    const { gate, release } = fullGate();
    const controller = new AbortController();
    const waiting = gate.acquire({ signal: controller.signal });
    release();
    controller.abort();
    expect(gate.active).toBe(1);
    (await waiting)();
    expect(gate.active).toBe(0);
  });

  it("P3 keeps run from calling its function, and gives the slot on", async () => {
    const { gate, release } = fullGate();
    const controller = new AbortController();
    const called = vi.fn();
    const running = gate.run(called, { signal: controller.signal });
    const behind = gate.acquire();
    release();
    controller.abort("too late to begin");
    await expect(running).rejects.toBe("too late to begin");
    expect(called).not.toHaveBeenCalled();
    (await behind)();
    expect(gate.active).toBe(0);
  });
});

describe("a full queue", () => {
  it.each(WAYS)("P3 refuses %s at once, and says how full it is", async (way) => {
    const full = fullGate({ size: 2 });
    void full.gate.acquire();
    void full.gate.acquire();
    const refused = wait(full, way);
    expect(full.gate.waiting).toBe(2);
    await expect(refused).rejects.toMatchObject({
      code: "SATURATED",
      message: "no slot is free and the queue is full: 1 active, limit 1, 2 waiting",
      details: { reason: "queue-full", limit: 1, active: 1, waiting: 2, size: 2 },
    });
  });

  it("P3 has room again when a waiter is served, times out or is aborted", async () => {
    const { gate, clock, release } = fullGate({ size: 1 });
    const controller = new AbortController();
    const aborted = gate.acquire({ signal: controller.signal });
    controller.abort("gone");
    await expect(aborted).rejects.toBe("gone");
    const late = gate.acquire({ timeoutMs: 5 });
    await expect(clock.settle(late)).rejects.toEqual(saturated({ reason: "queue-timeout" }));
    const served = gate.acquire();
    release();
    const last = gate.acquire();
    expect(gate.waiting).toBe(1);
    (await served)();
    (await last)();
  });

  it("P3 of size 0 lets nobody wait, and still gives free slots", async () => {
    const { gate, release } = fullGate({ size: 0 });
    await expect(gate.acquire()).rejects.toMatchObject({
      message: "no slot is free and nobody may wait: 1 active, limit 1, 0 waiting",
      details: { reason: "queue-full", limit: 1, active: 1, waiting: 0, size: 0 },
    });
    release();
    (await gate.acquire())();
    expect(await gate.run(() => "ran")).toBe("ran");
  });
});

describe("a wait that lasts too long", () => {
  it.each(WAYS)(
    "P3 ends %s with SATURATED, to the millisecond, and leaves the queue",
    async (way) => {
      const full = fullGate({ timeoutMs: 50 });
      const ended = vi.fn();
      const waiting = wait(full, way).catch(ended);
      await full.clock.advance(49);
      void full.gate.acquire();
      expect(ended).not.toHaveBeenCalled();
      await full.clock.advance(1);
      await waiting;
      expect(full.gate.waiting).toBe(1);
      expect(ended.mock.lastCall?.[0]).toMatchObject({
        code: "SATURATED",
        message: "no slot was free within 50 ms: 1 active, limit 1, 1 waiting",
        details: { reason: "queue-timeout", limit: 1, active: 1, waiting: 1, timeoutMs: 50 },
      });
    },
  );

  it("P3 is measured by the call's own limit, shorter or longer, in place of the queue's", async () => {
    const { gate, clock } = fullGate({ timeoutMs: 50 });
    const ended: string[] = [];
    const waits = { shorter: 20, queue: undefined, longer: 80, never: Number.POSITIVE_INFINITY };
    for (const [name, timeoutMs] of Object.entries(waits)) {
      void gate.acquire({ timeoutMs }).catch(() => ended.push(`${name} ${clock.monotonicMs()}`));
    }
    await clock.advance(10_000);
    expect(ended).toEqual(["shorter 20", "queue 50", "longer 80"]);
    expect(gate.waiting).toBe(1);
  });

  it("P3 ends at once when no wait is allowed", async () => {
    const { gate } = fullGate();
    const refused = gate.acquire({ timeoutMs: 0 });
    expect(gate.waiting).toBe(0);
    await expect(refused).rejects.toEqual(saturated({ reason: "queue-timeout", timeoutMs: 0 }));
    const never = fullGate({ timeoutMs: 0 }).gate.acquire();
    await expect(never).rejects.toEqual(saturated({ reason: "queue-timeout", timeoutMs: 0 }));
  });

  it("P3 does not end what was served in time", async () => {
    const { gate, clock, release } = fullGate({ timeoutMs: 50 });
    const served = gate.acquire();
    await clock.advance(49);
    release();
    const next = await served;
    await clock.advance(1000);
    expect(gate.active).toBe(1);
    next();
    expect(gate.active).toBe(0);
  });

  it("P3 leaves nothing on the clock of an idle gate", async () => {
    const { gate, clock, release } = fullGate({ timeoutMs: 50 });
    const served = gate.acquire();
    const own = gate.acquire({ timeoutMs: 70 });
    expect(clock.pending().map(({ label }) => label)).toEqual([
      "a wait at a gate",
      "a wait at a gate",
    ]);
    release();
    (await served)();
    (await own)();
    expect(clock.pending()).toEqual([]);
  });
});

describe("a wait for drained", () => {
  it("P3 rejects with the reason of its signal, before or while it waits, and leaves no listener", async () => {
    const { gate, release } = fullGate();
    const controller = new AbortController();
    const { signal } = controller;
    const settled = gate.drained({ signal });
    const aborted = gate.drained({ signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    controller.abort("hurry");
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expect(settled).rejects.toBe("hurry");
    await expect(aborted).rejects.toBe("hurry");
    await expect(gate.drained({ signal })).rejects.toBe("hurry");
    release();
    await expect(gate.drained({ signal })).rejects.toBe("hurry");
    await gate.drained();
  });

  it("P3 that is answered leaves no listener", async () => {
    const { gate, release } = fullGate();
    const { signal } = new AbortController();
    const drained = gate.drained({ signal });
    release();
    await drained;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
