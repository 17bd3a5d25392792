// What an extension sees of one worker: may work begin, a lease on it, and a way to say that it failed.

import { toError, WorkerkitError } from "@workerkit/contracts";
import type { WorkerDefinition } from "./definition.ts";
import { failureOf } from "./failure.ts";
import type { Generation } from "./generation.ts";
import type { WorkLease } from "./lease.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import type { CommandFailureStatus } from "./status.ts";
import type { WorkerContext } from "./worker.ts";

/** One worker, as an extension sees it. */
export interface WorkerPort {
  readonly definition: WorkerDefinition;
  /** The local name. */
  readonly name: string;
  readonly runtime: string;
  readonly generation: number;
  /** How long code may go on after its signal aborted, in ms. */
  readonly graceMs: number;
  /** The context of the generation that runs now. */
  readonly context: WorkerContext | undefined;
  /** Why no work may begin now, if it may not; errors made once, so that a refusal costs nothing. */
  refusal(parent?: WorkLease): WorkerkitError | undefined;
  /** Takes a unit of work in, as of `nowMs` of the monotonic clock; ask `refusal` first, in the same stretch. */
  open(lease: WorkLease, nowMs?: number): void;
  /** Fails a generation; says whether it counted. */
  fail(generation: number, error: unknown): boolean;
  /** Whether its policy takes this error for a panic (C6). */
  panics(error: unknown): boolean;
  /** Notes the last failure of a command of a generation that still lives. */
  note(generation: number, failure: CommandFailureStatus): boolean;
}

/** Opens the port of a worker. */
export function createPort(worker: RegisteredWorker): WorkerPort {
  return new Port(worker);
}

class Port implements WorkerPort {
  readonly #worker: RegisteredWorker;
  readonly definition: WorkerDefinition;
  readonly name: string;
  readonly runtime: string;
  readonly graceMs: number;
  #runtimeClosed: WorkerkitError | undefined = undefined;
  #notAccepting: WorkerkitError | undefined = undefined;
  #parentEnded: WorkerkitError | undefined = undefined;
  #inState = new Map<string, WorkerkitError>();

  constructor(worker: RegisteredWorker) {
    this.#worker = worker;
    this.definition = worker.definition;
    this.name = worker.name;
    this.runtime = worker.core.name;
    this.graceMs = worker.policy.graceMs;
  }

  get generation(): number {
    return this.#worker.generationNumber;
  }

  get context(): WorkerContext | undefined {
    return this.#worker.generation?.context;
  }

  refusal(parent?: WorkLease): WorkerkitError | undefined {
    const worker = this.#worker;
    const { core } = worker;
    if (parent === undefined) {
      if (core.tally.closed || core.tally.runtimeFailing > 0) return this.#closedError();
      if (worker.state !== "running") return this.#stateError();
    } else {
      if (parent.ended) return this.#parentError();
      if (worker.state === "draining") {
        return isOwedTo(worker, parent) ? undefined : this.#acceptingError();
      }
      if (worker.state !== "running") return this.#stateError();
    }
    return worker.acceptingWork ? undefined : this.#acceptingError();
  }

  open(lease: WorkLease, nowMs?: number): void {
    this.#current().admit(lease, nowMs);
  }

  fail(generation: number, error: unknown): boolean {
    const current = this.#worker.generation;
    if (current?.number !== generation) return false;
    return this.#worker.core.requests.reportFailure(current, error);
  }

  panics(error: unknown): boolean {
    return failureOf(this.#worker, toError(error), "run").panic;
  }

  note(generation: number, failure: CommandFailureStatus): boolean {
    const current = this.#worker.generation;
    if (current?.number !== generation || current.ended) return false;
    this.#worker.lastCommandFailure = failure;
    return true;
  }

  #current(): Generation {
    const { generation } = this.#worker;
    if (generation === undefined) throw this.#stateError();
    return generation;
  }

  #closedError(): WorkerkitError {
    this.#runtimeClosed ??= new WorkerkitError(
      "RUNTIME_NOT_ACCEPTING_WORK",
      `runtime ${this.runtime} takes no work from outside`,
      { details: { runtime: this.runtime } },
    );
    return this.#runtimeClosed;
  }

  #acceptingError(): WorkerkitError {
    this.#notAccepting ??= new WorkerkitError(
      "WORKER_NOT_ACCEPTING_WORK",
      `worker ${this.runtime}/${this.name} takes no work`,
      { details: { worker: this.name } },
    );
    return this.#notAccepting;
  }

  #parentError(): WorkerkitError {
    this.#parentEnded ??= new WorkerkitError(
      "PARENT_ENDED",
      `the work that asked for this of worker ${this.runtime}/${this.name} has ended`,
      { details: { worker: this.name } },
    );
    return this.#parentEnded;
  }

  #stateError(): WorkerkitError {
    const { state } = this.#worker;
    let error = this.#inState.get(state);
    if (error === undefined) {
      error = new WorkerkitError(
        "INVALID_WORKER_STATE",
        `worker ${this.runtime}/${this.name} is ${state}: it takes work while it is running`,
        { details: { worker: this.name, state } },
      );
      this.#inState.set(state, error);
    }
    return error;
  }
}

/** Whether a draining worker still owes this to work that was admitted before it began to drain, or that drains itself (C3). */
function isOwedTo(worker: RegisteredWorker, parent: WorkLease): boolean {
  const from = parent.generation?.worker;
  // Only what was admitted in the same runtime can be compared.
  if (worker.generation?.cut === true || from?.core !== worker.core) return false;
  return parent.number < worker.drainBegan || from.state === "draining";
}
