/// <reference lib="esnext.disposable" preserve="true" />
// A gate: so many slots, taken at once or waited for in line.

import {
  onAbort,
  readFunction,
  readLimit,
  readOptions,
  readSignal,
  type Unsubscribe,
  WorkerkitError,
} from "@workerkit/contracts";
import {
  type GateOptions,
  type GateSettings,
  readGateOptions,
  readWaitOptions,
  type WaitOptions,
} from "./gate-options.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Gives a slot back, the first time that it is called or disposed of. */
export interface Release extends Disposable {
  (): void;
}

/** A limited number of slots, granted in the order of asking. */
export interface Gate {
  /** How many slots there are. Raising it serves those who wait, at once; lowering it takes no slot away. Throws `INVALID_OPTION`. */
  limit: number;
  /** How many slots are taken; for a while more than `limit` after that was lowered. */
  readonly active: number;
  /** How many callers wait for a slot. */
  readonly waiting: number;
  /** Takes a slot if one is free. */
  tryAcquire(): Release | undefined;
  /**
   * Takes a slot, or waits for one behind those who asked before.
   * Rejects with `signal.reason` when the signal aborts; with `SATURATED` when the queue is full or the wait too long, which
   * `details.reason` tells apart as `"queue-full"` and `"queue-timeout"`.
   */
  acquire(options?: WaitOptions): Promise<Release>;
  /**
   * Calls `fn` under a slot, in the same tick if one is free; the slot is given back before the caller sees the outcome.
   * Rejects as `acquire` does, and then never calls `fn`. `signal` and `timeoutMs` end the wait, not what `fn` does.
   */
  run<Returned>(fn: () => Returned, options?: WaitOptions): Promise<Awaited<Returned>>;
  /** Resolves as soon as no slot is taken, and so nobody waits; rejects with `signal.reason` when the signal aborts. */
  drained(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** Creates a gate. Throws `INVALID_OPTION`. */
export function createGate(options: GateOptions): Gate {
  return new SlotGate(readGateOptions(options));
}

const NO_OPTIONS: WaitOptions = {};

class SlotGate implements Gate {
  readonly #queue: GateSettings["queue"];
  readonly #line: WaitingLine<Release>;
  readonly #onDrained = new Set<() => void>();
  #limit: number;
  #active = 0;

  constructor({ limit, queue, clock }: GateSettings) {
    this.#limit = limit;
    this.#queue = queue;
    this.#line = new WaitingLine(clock, "a wait at a gate", (timeoutMs) =>
      this.#tooLong(timeoutMs),
    );
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = readLimit(limit, "limit");
    this.#serve();
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#line.length;
  }

  tryAcquire(): Release | undefined {
    // Overtakes nobody: while somebody waits no slot is free, since whatever frees one serves the line in the same step.
    return this.#active < this.#limit ? this.#take() : undefined;
  }

  // No async function: with one, a slot would come three microtasks after it was granted.
  acquire(options?: WaitOptions): Promise<Release> {
    try {
      const wait = readWaitOptions(options);
      const release = this.#takeUnlessAborted(wait.signal);
      return release === undefined ? this.#wait(wait) : Promise.resolve(release);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async run<Returned>(fn: () => Returned, options?: WaitOptions): Promise<Awaited<Returned>> {
    readFunction(fn, "fn");
    const wait = options === undefined ? NO_OPTIONS : readWaitOptions(options);
    throwIfAborted(wait.signal);
    // Its own slot needs no release that can be called twice.
    if (this.#active < this.#limit) this.#active++;
    else await this.#wait(wait);
    try {
      // The signal may have aborted between the grant and this step.
      throwIfAborted(wait.signal);
      return await fn();
    } finally {
      this.#giveBack();
    }
  }

  async drained(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const { signal } = readOptions<{ signal: AbortSignal }>(options, "", { signal: readSignal });
    throwIfAborted(signal);
    if (this.#active > 0) await this.#untilDrained(signal);
  }

  #takeUnlessAborted(signal: AbortSignal | undefined): Release | undefined {
    throwIfAborted(signal);
    return this.tryAcquire();
  }

  #take(): Release {
    this.#active++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#giveBack();
    };
    release[Symbol.dispose] = release;
    return release;
  }

  #giveBack(): void {
    this.#active--;
    this.#serve();
    if (this.#active > 0) return;
    this.#line.clearTimers();
    // Asked first, since walking an empty set would cost more than all the rest of giving back a slot.
    if (this.#onDrained.size > 0) for (const drained of this.#onDrained) drained();
  }

  #serve(): void {
    while (this.#line.length > 0 && this.#active < this.#limit) this.#line.serve(this.#take());
  }

  #wait({ signal, timeoutMs = this.#queue.timeoutMs }: WaitOptions): Promise<Release> {
    if (this.#line.length >= this.#queue.size) throw this.#tooMany();
    if (timeoutMs === 0) throw this.#tooLong(timeoutMs);
    return this.#line.join(signal, timeoutMs);
  }

  #tooMany(): WorkerkitError {
    const { size } = this.#queue;
    const why = size === 0 ? "nobody may wait" : "the queue is full";
    return this.#saturated("queue-full", `no slot is free and ${why}`, { size });
  }

  #tooLong(timeoutMs: number): WorkerkitError {
    return this.#saturated("queue-timeout", `no slot was free within ${timeoutMs} ms`, {
      timeoutMs,
    });
  }

  #saturated(reason: string, what: string, queue: object): WorkerkitError {
    const counts = { limit: this.#limit, active: this.#active, waiting: this.#line.length };
    const state = `${counts.active} active, limit ${counts.limit}, ${counts.waiting} waiting`;
    const details = { reason, ...counts, ...queue };
    return new WorkerkitError("SATURATED", `${what}: ${state}`, { details });
  }

  #untilDrained(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let stopListening: Unsubscribe | undefined;
      const drained = () => {
        this.#onDrained.delete(drained);
        stopListening?.();
        resolve();
      };
      this.#onDrained.add(drained);
      if (signal === undefined) return;
      stopListening = onAbort(signal, () => {
        this.#onDrained.delete(drained);
        reject(signal.reason);
      });
    });
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}
