import { createGate, type Gate, type Release } from "@workerkit/limits";
import { describe, expect, it, vi } from "vitest";

/** Takes a slot that the test knows to be free. */
function take(gate: Gate): Release {
  const release = gate.tryAcquire();
  if (release === undefined) throw new Error("no slot was free");
  return release;
}

/** What a gate shows from outside. */
const counts = ({ limit, active, waiting }: Gate) => ({ limit, active, waiting });

describe("tryAcquire", () => {
  it("P3 gives a slot while one is free, and nothing when none is", () => {
    const gate = createGate({ limit: 2 });
    expect(gate.tryAcquire()).toBeTypeOf("function");
    expect(gate.tryAcquire()).toBeTypeOf("function");
    expect(gate.tryAcquire()).toBeUndefined();
    expect(counts(gate)).toEqual({ limit: 2, active: 2, waiting: 0 });
  });

  it("P3 never refuses without a limit", () => {
    const gate = createGate({ limit: Number.POSITIVE_INFINITY });
    for (let taken = 1; taken <= 1000; taken++) take(gate);
    expect(gate.active).toBe(1000);
  });

  it("P3 overtakes nobody who waits, not even in the step that frees a slot", async () => {
    const gate = createGate({ limit: 1 });
    const release = take(gate);
    const waiting = gate.acquire();
    release();
    expect(gate.tryAcquire()).toBeUndefined();
    (await waiting)();
    expect(gate.tryAcquire()).toBeTypeOf("function");
  });
});

describe("a release", () => {
  it("P3 gives its slot back once, however often it is called", () => {
    const gate = createGate({ limit: 2 });
    const first = take(gate);
    take(gate);
    first();
    first();
    first();
    expect(gate.active).toBe(1);
    take(gate);
    first();
    expect(gate.active).toBe(2);
  });

  it("P3 is disposable, and disposing counts as calling", async () => {
    const gate = createGate({ limit: 1 });
    {
      using slot = await gate.acquire();
      expect(gate.active).toBe(1);
      slot[Symbol.dispose]();
      slot();
    }
    expect(gate.active).toBe(0);
    {
      using _slot = gate.tryAcquire();
      expect(gate.active).toBe(1);
    }
    expect(gate.active).toBe(0);
  });
});

describe("acquire", () => {
  it("P3 counts a free slot as taken in the same tick", async () => {
    const gate = createGate({ limit: 1 });
    const acquiring = gate.acquire();
    expect(counts(gate)).toEqual({ limit: 1, active: 1, waiting: 0 });
    expect(await acquiring).toBeTypeOf("function");
  });

  it("P3 serves those who wait in the order of asking, one for each slot that is given back", async () => {
    const gate = createGate({ limit: 2 });
    const releases = [take(gate), take(gate)];
    const served: number[] = [];
    for (const caller of [0, 1, 2, 3]) {
      void gate.acquire().then((release) => {
        served.push(caller);
        releases.push(release);
      });
    }
    expect(counts(gate)).toEqual({ limit: 2, active: 2, waiting: 4 });
    for (let given = 1; given <= 4; given++) {
      releases.shift()?.();
      expect(counts(gate)).toEqual({ limit: 2, active: 2, waiting: 4 - given });
      await Promise.resolve();
      expect(served).toEqual([0, 1, 2, 3].slice(0, given));
    }
    for (const release of releases) release();
    expect(counts(gate)).toEqual({ limit: 2, active: 0, waiting: 0 });
  });
});

describe("run", () => {
  it("P3 calls the function in the same tick while a slot is free", async () => {
    const gate = createGate({ limit: 1 });
    const calls: string[] = [];
    const running = gate.run(() => {
      calls.push("called");
      return gate.active;
    });
    calls.push("returned");
    expect(await running).toBe(1);
    expect(calls).toEqual(["called", "returned"]);
  });

  it("P3 gives the slot back before the caller sees the outcome", async () => {
    const gate = createGate({ limit: 1 });
    const seen: number[] = [];
    await gate.run(async () => "value").then(() => seen.push(gate.active));
    await gate
      .run(async () => {
        throw new Error("rejected");
      })
      .catch(() => seen.push(gate.active));
    expect(seen).toEqual([0, 0]);
  });

  it.each([
    [
      "throws",
      () => {
        throw "as it was";
      },
    ],
    ["rejects", () => Promise.reject("as it was")],
  ])(
    "P3 gives the slot back when the function %s, and rejects with what came, as it came",
    async (_, fn) => {
      const gate = createGate({ limit: 1 });
      await expect(gate.run(fn)).rejects.toBe("as it was");
      expect(gate.active).toBe(0);
    },
  );

  it("P3 runs no more at once than the limit allows, in order", async () => {
    const gate = createGate({ limit: 3 });
    const begun: number[] = [];
    let most = 0;
    let running = 0;
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        gate.run(async () => {
          begun.push(index);
          most = Math.max(most, ++running);
          // Each ends after a different number of turns.
          for (let turns = index % 4; turns >= 0; turns--) await Promise.resolve();
          running--;
          return index;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(begun).toEqual(results);
    expect(counts(gate)).toEqual({ limit: 3, active: 0, waiting: 0 });
  });
});

describe("limit", () => {
  it("P3 serves as many waiters as it grows by, in the same tick", async () => {
    const gate = createGate({ limit: 1 });
    take(gate);
    const served: number[] = [];
    for (const caller of [0, 1, 2]) void gate.acquire().then(() => served.push(caller));
    gate.limit = 3;
    expect(counts(gate)).toEqual({ limit: 3, active: 3, waiting: 1 });
    await Promise.resolve();
    expect(served).toEqual([0, 1]);
    gate.limit = Number.POSITIVE_INFINITY;
    expect(counts(gate)).toEqual({ limit: Number.POSITIVE_INFINITY, active: 4, waiting: 0 });
  });

  it("P3 takes no slot away when it shrinks, and lets the surplus run out before it serves again", async () => {
    const gate = createGate({ limit: 3 });
    const [first, second, third] = [take(gate), take(gate), take(gate)];
    gate.limit = 1;
    const served = vi.fn();
    void gate.acquire().then(served);
    first();
    second();
    expect(counts(gate)).toEqual({ limit: 1, active: 1, waiting: 1 });
    await Promise.resolve();
    expect(served).not.toHaveBeenCalled();
    third();
    expect(counts(gate)).toEqual({ limit: 1, active: 1, waiting: 0 });
    await Promise.resolve();
    expect(served).toHaveBeenCalledOnce();
  });
});

describe("drained", () => {
  it("P3 resolves at once for a gate that nobody holds", async () => {
    await createGate({ limit: 1 }).drained();
  });

  it("P3 resolves when the last slot is given back and nobody waits, for all who asked", async () => {
    const gate = createGate({ limit: 1 });
    const first = take(gate);
    const acquiring = gate.acquire();
    const drained = vi.fn();
    const all = Promise.all([gate.drained().then(drained), gate.drained().then(drained)]);
    first();
    const second = await acquiring;
    await new Promise((resolve) => setImmediate(resolve)); // all that follows from a release has run
    expect(drained).not.toHaveBeenCalled();
    second();
    await all;
    expect(drained).toHaveBeenCalledTimes(2);
  });

  it("P3 can be asked again after it was answered", async () => {
    const gate = createGate({ limit: 1 });
    for (let round = 1; round <= 2; round++) {
      const release = take(gate);
      const drained = gate.drained();
      release();
      await drained;
    }
  });
});
