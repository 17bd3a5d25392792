// Doing something again and again: never beside itself, with a rest after each round, until drain begins.

import type { WorkerContext } from "../worker/worker.ts";
import { first } from "./first.ts";

export class Rounds {
  readonly #ctx: WorkerContext<void>;
  #hurried = false;
  #hurry: () => void = () => {};

  constructor(ctx: WorkerContext<void>) {
    this.#ctx = ctx;
  }

  /** Rests, then calls `round` and rests for the ms that it resolves with, until drain begins; rejects as `round` does. */
  async run(initialDelayMs: number, round: () => Promise<number>): Promise<void> {
    const { draining, note } = this.#ctx;
    // An earlier generation that failed in its rest has left one.
    note({ nextRunAt: undefined });
    if (initialDelayMs > 0) await this.#rest(initialDelayMs);
    while (!draining.aborted) {
      this.#hurried = false;
      await this.#rest(await round());
    }
  }

  /** Ends the rest, or lets the present round be followed by another at once; false when there will be no further round. */
  hurry(): boolean {
    if (this.#ctx.draining.aborted) return false;
    this.#hurried = true;
    this.#hurry();
    return true;
  }

  async #rest(delayMs: number): Promise<void> {
    const { clock, draining, name, note } = this.#ctx;
    if (this.#hurried || draining.aborted) return;
    const nextRunAt = delayMs === Number.POSITIVE_INFINITY ? undefined : clock.now() + delayMs;
    const hurried = new Promise<void>((resolve) => {
      this.#hurry = resolve;
    });
    note({ nextRunAt });
    await first(clock, hurried, delayMs, { label: `${name} rests`, signal: draining });
    note({ nextRunAt: undefined });
  }
}
