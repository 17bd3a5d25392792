// What a failure is: an error, where it happened, and what may be said of it.

import {
  isFatal,
  isPanic,
  type LifecyclePhase,
  safeMessageOf,
  toError,
  WorkerkitError,
} from "@workerkit/contracts";
import { answers } from "./answers.ts";
import type { RegisteredWorker } from "./registered-worker.ts";

/** A failure of a worker, ready to be told. */
export interface WorkerFailure {
  readonly error: unknown;
  readonly phase: LifecyclePhase;
  readonly attempt: number;
  /** Whether it is the one that felled the worker. */
  readonly final: boolean;
  readonly panic: boolean;
  readonly code: string;
  /** Safe to show to strangers. */
  readonly message: string;
  /** The full error in words, for the process that owns it. */
  readonly text: string;
}

/** Judges an error that lifecycle code threw or reported. */
export function failureOf(
  worker: RegisteredWorker,
  error: unknown,
  phase: LifecyclePhase,
  { attempt = 1, final = true }: { readonly attempt?: number; readonly final?: boolean } = {},
): WorkerFailure {
  const panic = panics(worker, error);
  const { code, message } = safeMessageOf(error, "WORKER_FAILED", panic);
  return {
    error,
    phase,
    attempt,
    final,
    panic,
    code,
    message,
    get text() {
      return textOf(error);
    },
  };
}

/** Whether no retry can mend this error: a panic, or one marked by `withFatal`. */
export function isHopeless(failure: Pick<WorkerFailure, "error" | "panic">): boolean {
  return failure.panic || isFatal(failure.error);
}

/** Whether this failure ends the process (C6). */
export function crashes(
  { policy }: RegisteredWorker,
  { panic }: Pick<WorkerFailure, "panic">,
): boolean {
  return panic && policy.panicPolicy === "crash";
}

/** A cleanup that failed; a panic beneath it is one still. */
export function cleanupFailureOf(worker: RegisteredWorker, cause: unknown): WorkerFailure {
  const error = new WorkerkitError(
    "CLEANUP_FAILED",
    `the cleanup of worker ${worker.fullName} failed`,
    { details: { worker: worker.fullName }, cause },
  );
  const failure = failureOf(worker, error, "cleanup", { final: false });
  return { ...failure, panic: panics(worker, cause) };
}

function panics(worker: RegisteredWorker, error: unknown): boolean {
  if (isPanic(error)) return true;
  const { isPanic: asked } = worker.policy;
  return asked !== undefined && answers(() => asked(error), true);
}

/** Anything thrown, in words for the process that owns it. */
export function textOf(thrown: unknown): string {
  const error = toError(thrown);
  try {
    return String(error.stack ?? error.message);
  } catch {
    return "an error that cannot be read";
  }
}
