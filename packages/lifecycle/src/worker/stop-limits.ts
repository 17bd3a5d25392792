// How long the parts of a stop may take, and what it says of them afterwards.

import type { Clock } from "@workerkit/contracts";
import type { RegisteredWorker } from "./registered-worker.ts";
import type { HookLimits } from "./stop-hook.ts";

/** How long the parts of a stop may take: each by itself, and all by a moment of the monotonic clock. */
export interface StopLimits extends HookLimits {
  readonly drainTimeoutMs: number;
  /** When the drain phase ends at the latest. */
  readonly drainByMs: number;
  /** When everything ends at the latest. */
  readonly endByMs: number;
}

/** Work that a stop left behind. */
export interface LeftBehind {
  readonly label: string;
  readonly ageMs: number;
}

/** How a stop went. */
export interface StopReport {
  /** How long it drained, in ms. */
  readonly drainMs: number;
  /** How long its end took after that, in ms. */
  readonly stopMs: number;
  /** Units of work that the cut aborted. */
  readonly aborted: number;
  /** Code that was left behind. */
  readonly abandoned: readonly LeftBehind[];
}

/** The limits that a worker's own policy sets. */
export function ownLimits({ policy }: RegisteredWorker): StopLimits {
  const { drainTimeoutMs, stopTimeoutMs, graceMs } = policy;
  const never = Number.POSITIVE_INFINITY;
  return { drainTimeoutMs, limitMs: stopTimeoutMs, graceMs, drainByMs: never, endByMs: never };
}

/** The stricter of two limits, part by part. */
export function stricter(a: StopLimits, b: StopLimits): StopLimits {
  return {
    drainTimeoutMs: Math.min(a.drainTimeoutMs, b.drainTimeoutMs),
    limitMs: Math.min(a.limitMs, b.limitMs),
    graceMs: Math.min(a.graceMs, b.graceMs),
    drainByMs: Math.min(a.drainByMs, b.drainByMs),
    endByMs: Math.min(a.endByMs, b.endByMs),
  };
}

/** How long a stop hook that is called now may take. */
export function hookLimits(limits: StopLimits, clock: Clock): HookLimits {
  const { limitMs, graceMs, endByMs } = limits;
  if (endByMs === Number.POSITIVE_INFINITY) return limits;
  const leftMs = endByMs - clock.monotonicMs() - graceMs;
  return { limitMs: Math.max(0, Math.min(limitMs, leftMs)), graceMs };
}
