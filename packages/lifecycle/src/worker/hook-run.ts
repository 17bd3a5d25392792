// One bounded call of a hook: a deadline, a grace, and past that the code is left to itself.

import { Deadline, type LifecyclePhase, toError, WorkerkitError } from "@workerkit/contracts";
import type { Generation } from "./generation.ts";
import type { HookCall, WorkerContext } from "./worker.ts";

/** Who called a hook and goes on when it has ended. */
export interface HookOwner {
  /** Called once, when the hook settled or was abandoned. */
  hookEnded(run: HookRun): void;
}

export class HookRun extends Deadline {
  readonly generation: Generation;
  readonly phase: LifecyclePhase;
  readonly sinceMs: number;
  /** Whether the deadline, the grace, or nothing runs; abandoned code may still settle, but nobody waits. */
  stage: "running" | "grace" | "abandoned" | "settled" = "running";
  ok = false;
  /** What the hook returned, or the error that its caller shall see. */
  value: unknown = undefined;
  /** Whoever takes a run over puts itself here. */
  owner: HookOwner;
  /** Called once when the hook really returned, however late; before its owner if it was in time. */
  readonly returned: ((run: HookRun) => void) | undefined;
  #limitMs: number;
  #graceMs: number;
  #controller: AbortController | undefined = undefined;
  #cause: (() => unknown) | undefined = undefined;
  #timedOut = false;

  constructor(
    generation: Generation,
    phase: LifecyclePhase,
    limits: { readonly limitMs: number; readonly graceMs: number },
    owner: HookOwner,
    returned?: (run: HookRun) => void,
  ) {
    super();
    this.generation = generation;
    this.phase = phase;
    this.#limitMs = limits.limitMs;
    this.#graceMs = limits.graceMs;
    this.owner = owner;
    this.returned = returned;
    this.sinceMs = generation.worker.core.deadlines.set(this, limits.limitMs);
  }

  /**
   * Calls the hook in the async context of the runtime's creation; it settles in a later microtask at the earliest.
   * Its owner must know of this run before: the hook may ask for a stop before it returns.
   */
  call(hook: Hook): void {
    const { worker, context } = this.generation;
    let result: Promise<unknown>;
    try {
      result = Promise.resolve(
        worker.core.call(hook, worker.hooks, context as WorkerContext<never>, new Call(this)),
      );
    } catch (error) {
      // Settled later all the same, so that no operation ends inside the call that began it.
      result = Promise.reject(error);
    }
    result.then(
      (value) => {
        this.ok = true;
        this.#settle(value);
      },
      (error) => this.#settle(this.#timedOut ? this.#timeoutError(error) : toError(error)),
    );
  }

  /** The signal of the call; an AbortController takes 2 to 4 us on Node 20, so only a reader pays for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cause !== undefined) this.#controller.abort(this.#cause());
    }
    return this.#controller.signal;
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
      this.#controller?.abort(reason());
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
    this.value = new WorkerkitError(
      "ABANDONED",
      `${this.#what()} did not end within its grace of ${this.#graceMs} ms; it is left to itself`,
      { details: this.#details(), cause: this.#cause?.() },
    );
    worker.strays ??= new Set();
    worker.strays.add(this);
    worker.core.abandoned(worker, this.generation, this.phase, `${this.phase} hook`, this.sinceMs);
    this.owner.hookEnded(this);
  }

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
      this.owner.hookEnded(this);
    }
  }

  #timeoutError(cause: unknown): WorkerkitError {
    return new WorkerkitError("TIMEOUT", `${this.#what()} took longer than ${this.#limitMs} ms`, {
      details: this.#details(),
      cause,
    });
  }

  /** What the errors of its deadlines carry (L13). */
  #details() {
    return {
      worker: this.generation.worker.fullName,
      phase: this.phase,
      limitMs: this.#limitMs,
      graceMs: this.#graceMs,
      waitedFor: `its ${this.phase} hook`,
    };
  }

  #what(): string {
    return `the ${this.phase} hook of worker ${this.generation.worker.fullName}`;
  }
}

/** Any hook of a worker; its context is of the type that its generation is known to fit. */
type Hook = (ctx: WorkerContext<never>, call: HookCall) => unknown;

/** What the hook sees of its call. */
class Call implements HookCall {
  readonly #run: HookRun;

  constructor(run: HookRun) {
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }
}
