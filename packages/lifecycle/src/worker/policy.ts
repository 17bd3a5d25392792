// The policy of a worker: its time limits, and what its readiness and its failures mean for the runtime.

import {
  invalidOption,
  type OptionReaders,
  readBoolean,
  readDurationMs,
  readFunction,
  readLimit,
  readOneOf,
  readOptions,
} from "@workerkit/contracts";
import { type Backoff, type RetryPolicy, readBackoff, readRetryPolicy } from "@workerkit/retry";

/** What a failed worker means for its runtime: nothing for others, not ready, or failed. */
export type FailurePolicy = "isolate" | "mark-runtime-unready" | "fail-runtime";

/** What a panic in lifecycle code means: a failure like any other, or the end of the process. */
export type PanicPolicy = "recover" | "crash";

/** A failure as `restart.when` sees it. */
export interface Failure {
  readonly error: unknown;
  readonly panic: boolean;
  readonly phase: "start" | "run" | "drain" | "stop" | "cleanup";
}

/** When and how often a failed worker is restarted. */
export interface RestartPolicy {
  /** How long to wait before each restart. */
  readonly backoff: Backoff;
  /** How many restarts a window may hold. Default 10. */
  readonly maxRestarts?: number | undefined;
  /** How long the window is, in ms. Default 600 000. */
  readonly withinMs?: number | undefined;
  /** Whether this failure is worth a restart. Default: every one is. */
  readonly when?: ((failure: Failure) => boolean) | undefined;
}

/** The options that a worker has, and that a runtime can give defaults for. */
export interface WorkerPolicy {
  /** How long one attempt to start may take, in ms. Default 30 000. */
  readonly startTimeoutMs?: number | undefined;
  /** How long the drain hook and the stop hook may each take, in ms. Default 30 000. */
  readonly stopTimeoutMs?: number | undefined;
  /** How long a stop waits for the drain hook and for work in flight, in ms; 0 = not at all. Default 10 000. */
  readonly drainTimeoutMs?: number | undefined;
  /** How long code may go on after its signal aborted before it is abandoned, in ms. Default 1 000. */
  readonly graceMs?: number | undefined;
  /** Whether a started worker is ready unless it said otherwise. Default true. */
  readonly readyOnStart?: boolean | undefined;
  /** Whether a started worker takes work unless it said otherwise. Default true. */
  readonly acceptingWorkOnStart?: boolean | undefined;
  /** Whether the runtime is ready only while this worker is. Default true. */
  readonly contributesToReadiness?: boolean | undefined;
  /** What the worker's failure means for the runtime. Default `isolate`. */
  readonly failurePolicy?: FailurePolicy | undefined;
  /** What a panic in its lifecycle code means. Default `recover`. */
  readonly panicPolicy?: PanicPolicy | undefined;
  /** Which errors are panics besides `Panic`, AssertionError and ReferenceError. Default none. */
  readonly isPanic?: ((error: unknown) => boolean) | undefined;
  /** Whether a failed attempt to start is followed by another. Default: it is not. */
  readonly startRetry?: RetryPolicy | undefined;
  /** Whether a worker that failed while running is restarted. Default: it is not. */
  readonly restart?: RestartPolicy | undefined;
  /** How long work in flight may go without a heartbeat, in ms. Default `Infinity`. */
  readonly stallTimeoutMs?: number | undefined;
}

/** The restart policy with every default filled in. */
export interface ResolvedRestartPolicy {
  readonly backoff: Backoff;
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly when: ((failure: Failure) => boolean) | undefined;
}

/** The policy with every default filled in. */
export interface ResolvedPolicy {
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly graceMs: number;
  readonly readyOnStart: boolean;
  readonly acceptingWorkOnStart: boolean;
  readonly contributesToReadiness: boolean;
  readonly failurePolicy: FailurePolicy;
  readonly panicPolicy: PanicPolicy;
  readonly isPanic: ((error: unknown) => boolean) | undefined;
  readonly startRetry: RetryPolicy | undefined;
  readonly restart: ResolvedRestartPolicy | undefined;
  readonly stallTimeoutMs: number;
}

/** What a worker gets that neither it nor its runtime says otherwise. */
export const POLICY_DEFAULTS: ResolvedPolicy = Object.freeze({
  startTimeoutMs: 30_000,
  stopTimeoutMs: 30_000,
  drainTimeoutMs: 10_000,
  graceMs: 1_000,
  readyOnStart: true,
  acceptingWorkOnStart: true,
  contributesToReadiness: true,
  failurePolicy: "isolate",
  panicPolicy: "recover",
  isPanic: undefined,
  startRetry: undefined,
  restart: undefined,
  stallTimeoutMs: Number.POSITIVE_INFINITY,
});

/** What a restart policy gets that does not say otherwise. */
export const RESTART_DEFAULTS = { maxRestarts: 10, withinMs: 600_000, when: undefined } as const;

/** How each option of a worker's policy is read. */
export const policyReaders: OptionReaders<ResolvedPolicy> = {
  startTimeoutMs: readDurationMs,
  stopTimeoutMs: readDurationMs,
  drainTimeoutMs: readDurationMs,
  graceMs: readDurationMs,
  readyOnStart: readBoolean,
  acceptingWorkOnStart: readBoolean,
  contributesToReadiness: readBoolean,
  failurePolicy: (value, path) =>
    readOneOf(value, path, ["isolate", "mark-runtime-unready", "fail-runtime"]),
  panicPolicy: (value, path) => readOneOf(value, path, ["recover", "crash"]),
  isPanic: readFunction,
  startRetry: readRetryPolicy,
  restart: readRestartPolicy,
  stallTimeoutMs: readDurationMs,
};

/** Reads a policy on top of `defaults`; without options of its own a worker shares them. */
export function readPolicy(
  given: object,
  path: string,
  defaults: ResolvedPolicy = POLICY_DEFAULTS,
): ResolvedPolicy {
  const own = readOptions<ResolvedPolicy>(given, path, policyReaders);
  return Object.keys(own).length === 0 ? defaults : Object.freeze({ ...defaults, ...own });
}

function readRestartPolicy(value: unknown, path: string): ResolvedRestartPolicy {
  const { backoff, ...rest } = readOptions<ResolvedRestartPolicy>(value, path, {
    backoff: readBackoff,
    maxRestarts: readLimit,
    withinMs: readDurationMs,
    when: readFunction,
  });
  if (backoff === undefined) {
    throw invalidOption(`${path}.backoff`, undefined, "a backoff such as exponential(200, 2)");
  }
  return { ...RESTART_DEFAULTS, ...rest, backoff };
}
