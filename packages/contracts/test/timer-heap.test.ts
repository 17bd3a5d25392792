import type { ClockTimer } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeTimer, TimerHeap } from "../src/timer-heap.ts";

interface ModelTimer {
  readonly name: number;
  readonly dueMs: number;
  readonly handle: ClockTimer;
}

/** A fake clock beside the simplest thing that could do its work: an array, searched for the earliest each time. */
class ClockAndModel {
  readonly clock = createFakeClock();
  readonly fired: number[] = [];
  readonly #everSet: ModelTimer[] = [];
  readonly #modelFired: number[] = [];
  #waiting: ModelTimer[] = [];
  #nowMs = 0;

  set(delayMs: number): void {
    const name = this.#everSet.length;
    const handle = this.clock.setTimeout(() => this.fired.push(name), delayMs);
    const timer = { name, dueMs: this.#nowMs + Math.max(1, delayMs), handle };
    this.#everSet.push(timer);
    this.#waiting.push(timer);
  }

  /** Clears any timer ever set, so that fired and cleared ones are tried as well. */
  clear(which: number): void {
    const timer = this.#everSet[which % Math.max(1, this.#everSet.length)];
    this.clock.clearTimeout(timer?.handle);
    this.#waiting = this.#waiting.filter((waiting) => waiting !== timer);
  }

  block(byMs: number): void {
    this.clock.block(byMs);
    this.#nowMs += byMs;
  }

  async advance(byMs: number): Promise<void> {
    await this.clock.advance(byMs);
    this.#nowMs += byMs;
    for (const timer of this.#inOrder()) {
      if (timer.dueMs > this.#nowMs) break;
      this.#modelFired.push(timer.name);
      this.#waiting = this.#waiting.filter((waiting) => waiting !== timer);
    }
  }

  check(): void {
    expect(this.fired).toEqual(this.#modelFired);
    expect(this.clock.monotonicMs()).toBe(this.#nowMs);
    expect(this.clock.pending().map(({ inMs }) => inMs)).toEqual(
      this.#inOrder().map(({ dueMs }) => dueMs - this.#nowMs),
    );
  }

  #inOrder(): ModelTimer[] {
    return [...this.#waiting].sort((a, b) => a.dueMs - b.dueMs || a.name - b.name);
  }
}

const operation = fc.oneof(
  fc.record({ do: fc.constant("set" as const), with: fc.nat(50) }),
  fc.record({ do: fc.constant("clear" as const), with: fc.nat(1000) }),
  fc.record({ do: fc.constant("advance" as const), with: fc.nat(20) }),
  fc.record({ do: fc.constant("block" as const), with: fc.nat(20) }),
);

describe("the timers of a fake clock", () => {
  it("fire like those of a sorted list, whatever is set, cleared, advanced and blocked", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const both = new ClockAndModel();
        for (const each of operations) {
          await both[each.do](each.with);
          both.check();
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("TimerHeap", () => {
  const timer = (dueMs: number, sequence: number) =>
    new FakeTimer(() => {}, dueMs, sequence, "a timer", true);

  it("always peeks at the earliest, and knows the place of each, while any are removed", () => {
    const dueTimes = fc.array(fc.nat(1000), { maxLength: 60, size: "max" });
    const anyPlaces = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 30, size: "max" });
    fc.assert(
      fc.property(dueTimes, anyPlaces, (dues, removals) => {
        const heap = new TimerHeap();
        let model = dues.map(timer);
        for (const each of model) heap.push(each);
        model.sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence);
        const remove = (gone: FakeTimer | undefined) => {
          if (gone === undefined) return;
          heap.remove(gone);
          heap.remove(gone);
          model = model.filter((each) => each !== gone);
          expect(heap.peek()).toBe(model[0]);
          expect(heap.sorted()).toEqual(model);
        };
        for (const removal of removals) remove(model[removal % model.length]);
        while (model.length > 0) remove(model[0]);
      }),
    );
  });

  it("is left alone by a timer that stands in another heap", () => {
    const [one, two] = [new TimerHeap(), new TimerHeap()];
    const [mine, alsoMine, foreign] = [timer(1, 0), timer(2, 1), timer(3, 2)];
    one.push(mine);
    one.push(alsoMine);
    two.push(foreign);
    one.remove(foreign);
    expect(one.sorted()).toEqual([mine, alsoMine]);
    expect(two.peek()).toBe(foreign);
  });
});
