// One bounded call of a hook: a deadline, a grace, and past that the code is left to itself.

import {
  abandonedError,
  Deadline,
  type LifecyclePhase,
  WorkerkitError,
} from "@workerkit/contracts";
import { LazySignal } from "../lazy-signal.ts";
import type { Generation } from "./generation.ts";
import type { HookCall, WorkerContext } from "./worker.ts";

export class HookRun extends Deadline {
  readonly generation: Generation;
  readonly phase: LifecyclePhase;
  readonly sinceMs: number;
  /** Whether the deadline, the grace, or nothing runs; abandoned code may still settle, but nobody waits. */
  stage: "running" | "grace" | "abandoned" | "settled" = "running";
  ok = false;
  /** What the hook returned, or the error that its caller shall see. */
  value: unknown = undefined;
  /** Called once, when the hook settled or was abandoned; whoever takes a run over puts itself here. */
  done: (run: HookRun) => void;
  /** Called once when the hook really returned, however late; before `done` if it was in time. */
  returned: ((run: HookRun) => void) | undefined = undefined;
  readonly #signal: LazySignal = new LazySignal();
  #limitMs: number;
  #graceMs: number;
  #cause: (() => unknown) | undefined = undefined;
  #timedOut = false;

  constructor(
    generation: Generation,
    phase: LifecyclePhase,
    limitMs: number,
    graceMs: number,
    done: (run: HookRun) => void,
  ) {
    super();
    this.generation = generation;
    this.phase = phase;
    this.#limitMs = limitMs;
    this.#graceMs = graceMs;
    this.done = done;
    const { core } = generation.worker;
    core.deadlines.set(this, limitMs);
    this.sinceMs = core.clock.monotonicMs();
  }

  /** Calls the hook in the async context of the runtime's creation; it settles in a later microtask at the earliest. */
  call(hook: Hook): void {
    const { worker, context } = this.generation;
    try {
      const result = worker.core.call(
        hook,
        worker.hooks,
        context as WorkerContext<never>,
        new Call(this.#signal),
      );
      Promise.resolve(result).then(this.#fulfilled, this.#rejected);
    } catch (error) {
      // Settled later all the same, so that no operation ends inside the call that began it.
      Promise.reject(error).then(this.#fulfilled, this.#rejected);
    }
  }

  get pending(): boolean {
    return this.stage === "running" || this.stage === "grace";
  }

  /** Tells the hook to end, and gives it a grace; only the first call counts, later ones can shorten the grace. */
  abort(reason: () => unknown, graceMs: number = this.#graceMs): void {
    if (this.stage === "running") {
      this.stage = "grace";
      this.#cause = reason;
      this.#graceMs = graceMs;
      this.generation.worker.core.deadlines.set(this, graceMs);
      this.#signal.abort(reason);
    } else if (this.stage === "grace") {
      this.#bringForward(graceMs);
    }
  }

  /** Lets the hook run for at most `limitMs` more, with at most this grace. */
  shorten(limitMs: number, graceMs: number): void {
    this.#graceMs = Math.min(this.#graceMs, graceMs);
    if (this.stage === "running") {
      this.#limitMs = Math.min(this.#limitMs, limitMs);
      this.#bringForward(limitMs);
    } else if (this.stage === "grace") {
      this.#bringForward(graceMs);
    }
  }

  override onDeadline(): void {
    if (this.stage === "running") {
      this.#timedOut = true;
      const error = this.#timeoutError(undefined);
      this.abort(() => error);
    } else if (this.stage === "grace") {
      this.#abandon();
    }
  }

  #bringForward(afterMs: number): void {
    const { core } = this.generation.worker;
    if (this.list === undefined || core.clock.monotonicMs() + afterMs < this.dueMs) {
      core.deadlines.set(this, afterMs);
    }
  }

  #abandon(): void {
    const { worker } = this.generation;
    this.stage = "abandoned";
    this.value = abandonedError(this.#what(), this.#graceMs, this.#cause?.());
    worker.strays ??= new Set();
    worker.strays.add(this);
    worker.core.abandoned(worker, this.generation, this.phase, `${this.phase} hook`, this.sinceMs);
    this.done(this);
  }

  readonly #fulfilled = (value: unknown): void => {
    this.ok = true;
    this.#settle(value);
  };

  readonly #rejected = (error: unknown): void => {
    this.#settle(this.#timedOut ? this.#timeoutError(error) : error);
  };

  #settle(value: unknown): void {
    const { worker } = this.generation;
    const wasAbandoned = this.stage === "abandoned";
    this.stage = "settled";
    this.value = value;
    if (wasAbandoned) {
      worker.strays?.delete(this);
      worker.core.abandonedEnded(worker);
      this.returned?.(this);
    } else {
      worker.core.deadlines.clear(this);
      this.returned?.(this);
      this.done(this);
    }
  }

  #timeoutError(cause: unknown): WorkerkitError {
    return new WorkerkitError("TIMEOUT", `${this.#what()} took longer than ${this.#limitMs} ms`, {
      details: {
        worker: this.generation.worker.fullName,
        phase: this.phase,
        limitMs: this.#limitMs,
      },
      cause,
    });
  }

  #what(): string {
    return `the ${this.phase} hook of worker ${this.generation.worker.fullName}`;
  }
}

/** Any hook of a worker; its context is of the type that its generation is known to fit. */
type Hook = (ctx: WorkerContext<never>, call: HookCall) => unknown;

/** What the hook sees of its call. */
class Call implements HookCall {
  readonly #signal: LazySignal;

  constructor(signal: LazySignal) {
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }
}
