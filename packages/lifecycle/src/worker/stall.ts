// Stall detection: work in flight that gives no sign of life for too long fails its worker (S4).

import { Deadline, WorkerkitError } from "@workerkit/contracts";
import type { Generation } from "./generation.ts";

/** Into how many slices a limit is cut; a slice that ends late is worth its length, so a blocked event loop counts for one at most. */
const SLICES = 4;

/** Watches one generation; only workers with a `stallTimeoutMs` have one. */
export class StallWatch extends Deadline {
  readonly #generation: Generation;
  readonly #limitMs: number;
  /** Leases that are open, and the run of a kind that has none. */
  #open = 0;
  #busy = false;
  #silentMs = 0;
  /** From when on the present slice counts, and when it ends. */
  #sinceMs = 0;
  #untilMs = 0;
  #over = false;

  constructor(generation: Generation) {
    super();
    this.#generation = generation;
    this.#limitMs = generation.worker.policy.stallTimeoutMs;
  }

  opened(): void {
    this.#open += 1;
    if (this.#open > 1 || this.#over) return;
    this.#silentMs = 0;
    this.#slice();
  }

  /** Work that has ended is a sign of life. */
  closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#generation.worker.core.deadlines.clear(this);
    else this.beat();
  }

  setBusy(busy: boolean): void {
    if (busy === this.#busy) return;
    this.#busy = busy;
    if (busy) this.opened();
    else this.closed();
  }

  /** The present slice goes on, and counts from now. */
  beat(): void {
    this.#silentMs = 0;
    this.#sinceMs = this.#generation.worker.core.clock.monotonicMs();
  }

  /** The generation is told to end, which has limits of its own as well. */
  end(): void {
    this.#over = true;
    this.#generation.worker.core.deadlines.clear(this);
  }

  override onDeadline(): void {
    // From the cut on a stop has limits of its own.
    if (this.#generation.cut) return this.end();
    this.#silentMs += Math.max(0, this.#untilMs - this.#sinceMs);
    if (this.#silentMs < this.#limitMs) this.#slice();
    else this.#stalled();
  }

  #slice(): void {
    const sliceMs = Math.max(1, Math.min(this.#limitMs / SLICES, this.#limitMs - this.#silentMs));
    this.#sinceMs = this.#generation.worker.core.deadlines.set(this, sliceMs);
    this.#untilMs = this.#sinceMs + sliceMs;
  }

  #stalled(): void {
    const { worker, number } = this.#generation;
    const { core, fullName } = worker;
    const silentMs = this.#silentMs;
    this.#over = true;
    if (core.hub.wants("worker:stall")) {
      core.hub.emit("worker:stall", { ...core.eventOf(worker, number), silentMs });
    }
    const error = new WorkerkitError(
      "STALLED",
      `worker ${fullName} gave no sign of life for ${this.#limitMs} ms`,
      { details: { worker: fullName, limitMs: this.#limitMs } },
    );
    core.requests.reportFailure(this.#generation, error);
  }
}
