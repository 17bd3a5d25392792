/// <reference lib="esnext.disposable" preserve="true" />
// A runtime as its users see it.

import type { Clock, EventSource, Unsubscribe, WorkerkitEvents } from "@workerkit/contracts";
import type { Extension } from "../extension.ts";
import type { WorkerDefinition } from "../worker/definition.ts";
import type { WorkerStatus } from "../worker/status.ts";
import type { ShutdownReport } from "./bulk.ts";
import type { WorkerReference } from "./registry.ts";
import type { RuntimeStatus } from "./status.ts";

/** What every operation takes. */
export interface CallOptions {
  /** Settles the call at once, with the reason of the signal, when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

export interface StartOptions extends CallOptions {
  /** Whether what the worker depends on is started first. Default false: then it must run already. */
  readonly dependencies?: boolean | undefined;
}

export interface DrainOptions extends CallOptions {
  /** Whether what depends on the worker is drained first. Default false: then nothing that does may run. */
  readonly dependants?: boolean | undefined;
}

export interface StopOptions extends CallOptions {
  /** Whether what depends on the worker is stopped first. Default false: then nothing that does may run. */
  readonly dependants?: boolean | undefined;
}

export interface StartAllCallOptions extends CallOptions {
  /** How many workers may start side by side. Default 1. */
  readonly concurrency?: number | undefined;
  /** Whether a failure stops again what was started. Default true. */
  readonly rollback?: boolean | undefined;
}

export interface ShutdownOptions {
  /** The budget of the whole, in ms. Default 20 000. */
  readonly timeoutMs?: number | undefined;
  /** Hurries it: once aborted nothing drains and nothing waits for idle workers. It never rejects the call. */
  readonly signal?: AbortSignal | undefined;
}

/** A request of a worker, or the beginning of a shutdown. */
export interface ShutdownRequest {
  readonly reason: string;
  /** The worker that asked for it. */
  readonly worker?: string;
}

/**
 * A runtime: it owns workers and takes them from start to stop.
 * Workers are named by their local name, `runtime/worker` or their definition; an unknown one is `WORKER_NOT_FOUND`.
 */
export interface Lifecycle extends AsyncDisposable {
  readonly name: string;
  readonly clock: Clock;
  readonly events: EventSource<WorkerkitEvents>;

  /** Adds a worker; nothing starts. Throws `INVALID_OPTION`, `WORKER_ALREADY_REGISTERED`, or `INVALID_RUNTIME_STATE` during shutdown. */
  register(definition: WorkerDefinition): void;
  /** Removes a worker that has ended and on which none depends. Throws `INVALID_WORKER_STATE`. */
  unregister(worker: WorkerReference): void;

  /** Starts a worker; rejects with what its start threw, `INVALID_WORKER_STATE`, or `INTERRUPTED` when a stop came. */
  start(worker: WorkerReference, options?: StartOptions): Promise<void>;
  /** Closes a worker to new work and runs its drain hook; waits for no work in flight. */
  drain(worker: WorkerReference, options?: DrainOptions): Promise<void>;
  /** Drains a worker, ends its work and stops it; rejects with what its stop hook threw. */
  stop(worker: WorkerReference, options?: StopOptions): Promise<void>;

  /** Starts all workers, dependencies first; the first failure stops again what was started. */
  startAll(options?: StartAllCallOptions): Promise<void>;
  /** Drains all workers that run; rejects with one `AggregateError`. */
  drainAll(options?: CallOptions): Promise<void>;
  /** Stops all workers, dependants first; rejects with one `AggregateError`. */
  stopAll(options?: CallOptions): Promise<void>;
  /** Stops all workers under one budget and leaves nothing behind; rejects with an `AggregateError` that carries the `report`. */
  shutdown(options?: ShutdownOptions): Promise<ShutdownReport>;

  /** Resolves when no work of the worker is in flight. */
  waitIdle(worker: WorkerReference, options?: CallOptions): Promise<void>;
  /** Resolves when no work of any worker is in flight. */
  waitAllIdle(options?: CallOptions): Promise<void>;
  /** Resolves when the runtime is ready; at once if it is. */
  whenReady(options?: CallOptions): Promise<void>;

  /** The runtime as operators see it; costs the same for any number of workers. */
  status(): RuntimeStatus;
  /** All workers, in the order of registration. */
  workers(): WorkerStatus[];
  /** One worker, or undefined if there is none of this name. */
  worker(worker: WorkerReference): WorkerStatus | undefined;

  /** Waits until listeners have heard the events so far, at most `timeoutMs` (default 1 000); never rejects. */
  flush(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /**
   * Hears of the first request for a shutdown, or of its beginning. While anybody listens, a worker's `requestShutdown` begins
   * nothing by itself: the listener is the one to call `shutdown`.
   */
  onShutdown(listener: (request: ShutdownRequest) => void): Unsubscribe;

  /** The seam of extensions; call `extend` of `@workerkit/lifecycle/extension`. */
  readonly "~extend": <WorkerOptions extends object, RuntimeOptions extends object, Api>(
    extension: Extension<WorkerOptions, RuntimeOptions, Api>,
    options: RuntimeOptions | undefined,
  ) => Api;
}
