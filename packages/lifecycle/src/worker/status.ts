// What operators see of a worker: plain JSON values, the same keys in the same order every time.

import { invalidOption, optionPath, readRecord, type WorkerState } from "@workerkit/contracts";
import type { RegisteredWorker } from "./registered-worker.ts";

/** The last change of state. */
export interface TransitionStatus {
  readonly from: WorkerState;
  readonly to: WorkerState;
  /** Ms since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** The last failure, in words that may be shown to strangers. */
export interface FailureStatus {
  readonly code: string;
  readonly message: string;
  /** Ms since 1970. */
  readonly at: number;
}

/** The last failure of a command. */
export interface CommandFailureStatus extends FailureStatus {
  readonly command: string;
}

/** A worker as operators see it; what is absent has not happened. */
export interface WorkerStatus {
  /** `runtime/worker`. */
  readonly name: string;
  readonly localName: string;
  readonly description?: string;
  readonly kind: string;
  readonly state: WorkerState;
  readonly ready: boolean;
  readonly acceptingWork: boolean;
  /** Units of work that drain would wait for. */
  readonly inFlight: number;
  /** Code that outlived its grace and still runs. */
  readonly abandoned: number;
  /** How often the worker was started. */
  readonly generation: number;
  /** How often supervision restarted it. */
  readonly restarts: number;
  /** Ms since 1970. */
  readonly startedAt?: number;
  readonly lastTransition?: TransitionStatus;
  readonly lastFailure?: FailureStatus;
  readonly lastCommandFailure?: CommandFailureStatus;
  /** What its kind notes of itself. */
  readonly [note: string]: unknown;
}

/** Takes a snapshot. */
export function statusOf(worker: RegisteredWorker): WorkerStatus {
  return {
    name: worker.fullName,
    localName: worker.name,
    ...(worker.description !== undefined && { description: worker.description }),
    kind: worker.kind,
    state: worker.state,
    ready: worker.ready,
    acceptingWork: worker.acceptingWork,
    inFlight: worker.inFlight,
    abandoned: worker.abandoned,
    generation: worker.generationNumber,
    restarts: worker.restarts,
    ...(worker.startedAt !== undefined && { startedAt: worker.startedAt }),
    ...(worker.cameFrom !== undefined && {
      lastTransition: lastTransitionOf(worker, worker.cameFrom),
    }),
    ...(worker.lastFailure && { lastFailure: { ...worker.lastFailure } }),
    ...(worker.lastCommandFailure && { lastCommandFailure: { ...worker.lastCommandFailure } }),
    ...structuredClone(worker.notes),
  };
}

/** The notes with `fields` written over them; undefined takes one back. Throws `INVALID_OPTION` for what is no JSON value, and for a key of the status itself. */
export function withNotes(
  notes: Readonly<Record<string, unknown>> | undefined,
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = { ...notes };
  for (const [key, value] of Object.entries(readRecord(fields, "fields"))) {
    const path = optionPath("fields", key);
    if (OWN_KEYS.has(key)) throw invalidOption(path, value, "a key that the status does not use");
    if (value === undefined) delete result[key];
    else result[key] = jsonOf(value, path);
  }
  return result;
}

const OWN_KEYS: ReadonlySet<string> = new Set([
  ...["name", "localName", "description", "kind", "state", "ready", "acceptingWork", "inFlight"],
  ...["abandoned", "generation", "restarts", "startedAt", "lastTransition", "lastFailure"],
  "lastCommandFailure",
]);

function jsonOf(value: unknown, path: string): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    throw invalidOption(path, value, "a JSON value");
  }
}

function lastTransitionOf(worker: RegisteredWorker, from: WorkerState): TransitionStatus {
  return { from, to: worker.state, at: worker.changedAt, reason: worker.reason };
}
