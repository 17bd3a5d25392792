// A lease with limits: past its time it is told to end, and past its grace it is left to itself.

import { readDurationMs, readFunction, WorkerkitError } from "@workerkit/contracts";
import type { Generation } from "./generation.ts";
import { WorkLease } from "./lease.ts";
import type { LeaseOptions } from "./worker.ts";

/** What `ctx.admit` opens when it is given options; its time runs from here. Throws `INVALID_OPTION`. */
export class BoundedLease extends WorkLease {
  readonly #worker: Generation["worker"];
  readonly #timeoutMs: number;
  readonly #told: LeaseOptions["onAbort"];
  readonly #left: LeaseOptions["onAbandoned"];
  #late = false;

  constructor(
    { worker }: Generation,
    label: string,
    { timeoutMs = Number.POSITIVE_INFINITY, onAbort, onAbandoned }: LeaseOptions,
  ) {
    super(label);
    this.#worker = worker;
    this.#timeoutMs = readDurationMs(timeoutMs, "timeoutMs");
    this.#told = onAbort && readFunction(onAbort, "onAbort");
    this.#left = onAbandoned && readFunction(onAbandoned, "onAbandoned");
    if (timeoutMs !== Number.POSITIVE_INFINITY) worker.core.deadlines.set(this, timeoutMs);
  }

  override onDeadline(): void {
    if (this.#late) return this.abandon();
    this.#late = true;
    const { core, fullName, policy } = this.#worker;
    core.deadlines.set(this, policy.graceMs);
    const details = {
      ...{ worker: fullName, phase: "lease", limitMs: this.#timeoutMs, graceMs: policy.graceMs },
      waitedFor: this.label,
    };
    const message = `${this.label} of worker ${fullName} took longer than ${this.#timeoutMs} ms`;
    const error = new WorkerkitError("TIMEOUT", message, { details });
    this.abort(() => error);
  }

  override onAbort(reason: () => unknown): void {
    if (this.#told !== undefined) call(this.#told, reason());
  }

  override release(): void {
    this.#worker.core.deadlines.clear(this);
    super.release();
  }

  override abandon(): void {
    if (this.state !== "open") return;
    this.#worker.core.deadlines.clear(this);
    // First, so that what is said of it counts before a stop that waited for it goes on.
    if (this.#left !== undefined) call(this.#left, undefined);
    super.abandon();
  }
}

/** What a listener throws holds nobody up: it becomes an uncaught exception, as it does for a listener of a signal. */
function call(listener: (reason: unknown) => void, reason: unknown): void {
  try {
    listener(reason);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
