// Creating a runtime: reads its options, puts its parts together, and answers what callers and workers ask.

import {
  type Clock,
  type EventSource,
  type OptionReaders,
  onAbort,
  readBoolean,
  readDurationMs,
  readFunction,
  readLimit,
  readOptions,
  readSignal,
  type Unsubscribe,
  WorkerkitError,
  type WorkerkitEvents,
} from "@workerkit/contracts";
import type { Extension } from "../extension.ts";
import type { WorkerDefinition } from "../worker/definition.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { followLeaders, reportFailure } from "../worker/restart.ts";
import { statusOf, type WorkerStatus } from "../worker/status.ts";
import { stopWorker } from "../worker/stop.ts";
import { ownLimits } from "../worker/stop-limits.ts";
import { type AttachedExtension, attached } from "./attached.ts";
import { BulkLine, type ShutdownReport } from "./bulk.ts";
import { share } from "./caller.ts";
import { FLUSH_LIMIT_MS, RuntimeCore, type WorkerRequests } from "./core.ts";
import type {
  CallOptions,
  DrainOptions,
  Lifecycle,
  ShutdownOptions,
  ShutdownRequest,
  StartAllCallOptions,
  StartOptions,
  StopOptions,
} from "./lifecycle.ts";
import {
  drainOne,
  drainWithDependants,
  refuseWithDependants,
  startOne,
  startWithDependencies,
  stopOne,
  stopWithDependants,
} from "./one-worker.ts";
import { type LifecycleOptions, readLifecycleOptions, SHUTDOWN_TIMEOUT_MS } from "./options.ts";
import { Registry, type WorkerReference } from "./registry.ts";
import { ShutdownRequests } from "./shutdown-requests.ts";
import { type RuntimeStatus, runtimeStatusOf } from "./status.ts";
import { waitAllIdle, waitIdle, whenReady } from "./wait.ts";

/** Creates a runtime; nothing starts. Throws `INVALID_OPTION` or `INVALID_NAME`. */
export function createLifecycle(options: LifecycleOptions): Lifecycle {
  return new Runtime(options);
}

class Runtime implements Lifecycle {
  readonly #core: RuntimeCore;
  readonly #registry: Registry;
  readonly #bulk: BulkLine;
  readonly #extensions: AttachedExtension[] = [];
  readonly #shutdowns: ShutdownRequests;

  constructor(options: LifecycleOptions) {
    const {
      workers,
      defaults,
      readinessPolicy: readiness,
      ...rest
    } = readLifecycleOptions(options);
    this.#core = new RuntimeCore({ ...rest, readiness }, this.#requests());
    this.#shutdowns = new ShutdownRequests(this.#core.hub);
    this.#registry = new Registry(this.#core, defaults, this.#extensions);
    this.#bulk = new BulkLine(this.#core);
    workers.forEach((worker, index) => {
      this.#registry.register(worker, `workers[${index}]`);
    });
  }

  get name(): string {
    return this.#core.name;
  }

  get clock(): Clock {
    return this.#core.clock;
  }

  get events(): EventSource<WorkerkitEvents> {
    return this.#core.hub;
  }

  register(definition: WorkerDefinition): void {
    this.#registry.register(definition, "definition");
  }

  unregister(worker: WorkerReference): void {
    this.#registry.unregister(worker);
  }

  async start(worker: WorkerReference, options?: StartOptions): Promise<void> {
    const { signal, dependencies } = readOptions(options, "options", START_READERS);
    const found = this.#registry.find(worker);
    return dependencies ? startWithDependencies(found, signal) : startOne(found, signal);
  }

  async drain(worker: WorkerReference, options?: DrainOptions): Promise<void> {
    const { signal, dependants } = readOptions(options, "options", DEPENDANTS_READERS);
    const found = this.#registry.find(worker);
    return dependants ? drainWithDependants(found, signal) : drainOne(found, signal);
  }

  async stop(worker: WorkerReference, options?: StopOptions): Promise<void> {
    const { signal, dependants } = readOptions(options, "options", DEPENDANTS_READERS);
    const found = this.#registry.find(worker);
    return dependants ? stopWithDependants(found, signal) : stopOne(found, signal);
  }

  async startAll(options?: StartAllCallOptions): Promise<void> {
    const read = readOptions(options, "options", START_ALL_READERS);
    const { concurrency = 1, rollback = true, signal } = read;
    signal?.throwIfAborted();
    if (this.#core.closing === "shutdown") {
      throw new WorkerkitError(
        "INVALID_RUNTIME_STATE",
        `runtime ${this.name} cannot start its workers while it shuts down`,
      );
    }
    const all = this.#bulk.startAll({ concurrency, rollback });
    all.join();
    return share(all.result, signal, (reason) => all.leave(reason));
  }

  async drainAll(options?: CallOptions): Promise<void> {
    const { signal } = readOptions(options, "options", CALL_READERS);
    signal?.throwIfAborted();
    return share(this.#bulk.drainAll().result, signal, () => {});
  }

  async stopAll(options?: CallOptions): Promise<void> {
    const { signal } = readOptions(options, "options", CALL_READERS);
    signal?.throwIfAborted();
    const { errors } = await share(this.#bulk.end("stopAll").result, signal, () => {});
    if (errors.length === 0) return;
    throw new AggregateError(errors, `${errors.length} workers of ${this.name} did not stop`);
  }

  async shutdown(options?: ShutdownOptions): Promise<ShutdownReport> {
    const read = readOptions(options, "options", SHUTDOWN_READERS);
    const { timeoutMs = SHUTDOWN_TIMEOUT_MS, signal } = read;
    let forget: Unsubscribe | undefined;
    const end = this.#bulk.end("shutdown", (all) => {
      all.within(timeoutMs);
      forget = signal && onAbort(signal, () => all.hurry());
    });
    this.#shutdowns.announce({ reason: "shutdown" });
    const ended = await end.result;
    const { errors, durationMs } = ended;
    const workers = ended.workers();
    forget?.();
    this.#shutdowns.ended();
    const report = { durationMs, workers };
    const left = workers.filter(({ abandoned }) => abandoned.length > 0);
    if (errors.length === 0 && left.length === 0) return report;
    const names = [...new Set([...left, ...workers.filter(({ outcome }) => outcome === "failed")])]
      .map(({ worker }) => worker)
      .join(", ");
    throw Object.assign(
      new AggregateError(errors, `runtime ${this.name} did not shut down cleanly: ${names}`),
      { report },
    );
  }

  waitIdle(worker: WorkerReference, options?: CallOptions): Promise<void> {
    return watching(options, (signal) => waitIdle(this.#registry.find(worker), signal));
  }

  waitAllIdle(options?: CallOptions): Promise<void> {
    return watching(options, (signal) => waitAllIdle(this.#core, signal));
  }

  whenReady(options?: CallOptions): Promise<void> {
    return watching(options, (signal) => whenReady(this.#core, signal));
  }

  status(): RuntimeStatus {
    return runtimeStatusOf(this.#core);
  }

  workers(): WorkerStatus[] {
    return Array.from(this.#core.workers.values(), statusOf);
  }

  worker(worker: WorkerReference): WorkerStatus | undefined {
    const found = this.#registry.lookUp(worker);
    return found && statusOf(found);
  }

  async flush(options?: { readonly timeoutMs?: number | undefined }): Promise<void> {
    const { timeoutMs = FLUSH_LIMIT_MS } = readOptions(options, "options", {
      timeoutMs: readDurationMs,
    });
    return this.#core.hub.flush(timeoutMs);
  }

  onShutdown(listener: (request: ShutdownRequest) => void): Unsubscribe {
    return this.#shutdowns.listen(readFunction(listener, "listener"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  readonly "~extend" = <WorkerOptions extends object, RuntimeOptions extends object, Api>(
    extension: Extension<WorkerOptions, RuntimeOptions, Api>,
    options: RuntimeOptions | undefined,
  ): Api => {
    if (this.#registry.used) {
      throw new WorkerkitError(
        "INVALID_RUNTIME_STATE",
        `extension ${extension.name} must be attached before the first worker is registered`,
      );
    }
    const added = attached(extension);
    this.#registry.claim(added);
    const read = readOptions<RuntimeOptions>(options, "", extension.runtimeOptions);
    const { hub: sink, deadlines, random } = this.#core;
    const api = extension.attach({ lifecycle: this, sink, deadlines, random }, read);
    this.#extensions.push(added);
    this.#core.closingListeners.push((worker, why) => added.closing(worker, why));
    return api;
  };

  /** What workers ask for from inside: they never wait for it, so it never rejects. */
  #requests(): WorkerRequests {
    const nobody = { done: () => {}, failed: () => {} };
    return {
      reportFailure,
      followLeaders,
      stop: (worker: RegisteredWorker, reason: string) => {
        try {
          refuseWithDependants(worker, "stop");
          stopWorker(worker, nobody, ownLimits(worker), { reason });
        } catch (error) {
          this.#core.hub.report(error, "requestStop");
        }
      },
      shutdown: ({ name }: RegisteredWorker, reason: string) => {
        const taken = this.#shutdowns.announce({ reason, worker: name });
        if (!taken) this.shutdown().catch(() => {}); // its failures are events already
      },
      stopInstead: (operation) => {
        const waiter = {
          done: () => operation.succeed(),
          failed: (error: unknown) => operation.fail(error),
        };
        stopWorker(operation.worker, waiter, ownLimits(operation.worker), {
          reason: operation.kind,
        });
      },
    };
  }
}

/** Returns the very promise of `wait`: that of an async function would settle some microtasks later (B4). */
function watching(
  options: CallOptions | undefined,
  wait: (signal: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  try {
    return wait(readOptions(options, "options", CALL_READERS).signal);
  } catch (error) {
    return Promise.reject(error);
  }
}

const CALL_READERS: OptionReaders<{ signal: AbortSignal }> = { signal: readSignal };
const START_READERS: OptionReaders<{ signal: AbortSignal; dependencies: boolean }> = {
  signal: readSignal,
  dependencies: readBoolean,
};
const DEPENDANTS_READERS: OptionReaders<{ signal: AbortSignal; dependants: boolean }> = {
  signal: readSignal,
  dependants: readBoolean,
};
const START_ALL_READERS: OptionReaders<{
  signal: AbortSignal;
  concurrency: number;
  rollback: boolean;
}> = { signal: readSignal, concurrency: readLimit, rollback: readBoolean };
const SHUTDOWN_READERS: OptionReaders<{ timeoutMs: number; signal: AbortSignal }> = {
  timeoutMs: readDurationMs,
  signal: readSignal,
};
