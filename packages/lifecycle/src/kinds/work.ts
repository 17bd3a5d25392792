// The work of a kind: user code under a lease, with a time limit, a grace, and past that left to itself.

import { abandonedError, isWorkerkitError, onAbort, WorkerkitError } from "@workerkit/contracts";
import type { Lease, LeaseOptions, WorkContext, WorkerContext } from "../worker/worker.ts";
import { isAbortShaped } from "./abort-shaped.ts";

/** How a unit of work ended; `aborted` when it failed once it was told to end. */
export type WorkEnd = { readonly outcome: "ok" } | FailedWork;

export interface FailedWork {
  readonly outcome: "error" | "timeout" | "abandoned" | "aborted";
  readonly error: unknown;
  /** Whether it failed for no other reason than that its worker is to end. */
  readonly excused: boolean;
}

/** A unit of work. */
export interface Work extends Pick<LeaseOptions, "timeoutMs" | "onAbort"> {
  readonly label: string;
  readonly run: (ctx: WorkContext<void>) => unknown;
  /** Called once when it has ended or was left to itself, before its lease is released; must not throw. */
  readonly over: (end: WorkEnd) => void;
}

/** All work of one generation. */
export class Workload {
  readonly #ctx: WorkerContext<void>;
  /** What the contexts of all units have in common. */
  readonly #shared: WorkerContext<void>;

  constructor(ctx: WorkerContext<void>) {
    this.#ctx = ctx;
    this.#shared = leaseContext(ctx);
  }

  /** Begins work; resolves when its code has really ended, however late. Undefined where no work may begin any more. */
  begin({ label, timeoutMs, run, onAbort, over }: Work): Promise<void> | undefined {
    const ctx = this.#ctx;
    let abort: { readonly reason: unknown } | undefined;
    let isOver = false;
    const tell = (end: WorkEnd) => {
      if (isOver) return;
      isOver = true;
      over(end);
    };
    const lease = ctx.admit(label, {
      timeoutMs,
      onAbort(reason) {
        abort = { reason };
        onAbort?.(reason);
      },
      onAbandoned() {
        const error = abandonedError(`${label} of worker ${ctx.name}`, ctx.graceMs, abort?.reason);
        tell({ outcome: "abandoned", error, excused: !isTimeout(abort?.reason) });
      },
    });
    if (lease === undefined) return undefined;
    const ended = (end: WorkEnd) => {
      tell(end);
      lease.release();
    };
    return invoke(run, workContext(this.#shared, lease)).then(
      () => ended({ outcome: "ok" }),
      (error) => ended(this.#judge(error, abort)),
    );
  }

  #judge(error: unknown, abort: { readonly reason: unknown } | undefined): FailedWork {
    const ctx = this.#ctx;
    const excused = ctx.draining.aborted && isAbortShaped(error, ctx);
    if (abort === undefined) return { outcome: excused ? "aborted" : "error", error, excused };
    const { reason } = abort;
    const late = caused(reason, error);
    if (isTimeout(reason)) return { outcome: "timeout", error: late, excused: false };
    return { outcome: "aborted", error: late, excused };
  }
}

/** A context whose `signal` and `sleep` are those of the lease that `workContext` puts below it. */
export function leaseContext(ctx: WorkerContext<void>): WorkerContext<void> {
  return Object.create(ctx, {
    signal: {
      get(this: WorkContext) {
        return this.lease.signal;
      },
    },
    sleep: {
      get(this: WorkContext) {
        const { signal } = this;
        return (delayMs: number) => sleepUnder(signal, () => ctx.sleep(delayMs));
      },
    },
  });
}

export function workContext(shared: WorkerContext<void>, lease: Lease): WorkContext<void> {
  return Object.assign(Object.create(shared), { lease });
}

/** Calls a function of the user's; what it throws is a rejection too. */
export function invoke<Parameters extends unknown[], Result>(
  fn: (...parameters: Parameters) => Result,
  ...parameters: Parameters
): Promise<Awaited<Result>> {
  return new Promise((resolve) => resolve(fn(...parameters) as Awaited<Result>));
}

/** Sleeps until the generation ends, and no longer than the work may go on. */
function sleepUnder(signal: AbortSignal, sleep: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const slept = sleep().then(resolve, reject);
    void slept.then(onAbort(signal, () => reject(signal.reason)));
  });
}

function isTimeout(reason: unknown): boolean {
  return isWorkerkitError(reason, "TIMEOUT");
}

/** The reason for which work was told to end, with the error that followed as its cause. */
function caused(reason: unknown, cause: unknown): unknown {
  if (cause === reason || !isWorkerkitError(reason)) return reason;
  const { code, message, details } = reason;
  return new WorkerkitError(code, message, { details, cause });
}
