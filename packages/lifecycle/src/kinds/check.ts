// A worker that is ready for as long as what it probes is well.

import {
  type CheckEndEvent,
  type OptionReaders,
  readBoolean,
  readDurationMs,
  readFunction,
  readOptions,
} from "@workerkit/contracts";
import type { MaybePromise, WorkContext, Worker } from "../worker/worker.ts";
import { CheckLife } from "./check-life.ts";
import { loopWorker } from "./loop.ts";
import { Rounds } from "./rounds.ts";

/** What a probe found: well, well enough, or not; with words that status, events and probes may show. */
export type CheckOutcome =
  | CheckEndEvent["outcome"]
  | { readonly outcome: CheckEndEvent["outcome"]; readonly message?: string | undefined };

/** A finished probe, as status shows the last one. */
export interface CheckRun {
  /** Ms since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: CheckEndEvent["outcome"];
  readonly message?: string;
}

/** When and how a check probes. */
export interface CheckOptions {
  /** The rest between the end of a probe and the next, in ms. */
  readonly everyMs: number;
  /** How long a probe may take before it counts as failed, in ms; what it finds later is dropped. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  /** How long the worker stays ready without a new result, in ms. Default 2 × `everyMs` + `timeoutMs`. */
  readonly staleAfterMs?: number | undefined;
  /** The rest before the first probe, in ms. Default 0. */
  readonly initialDelayMs?: number | undefined;
  /** Whether a result that makes the worker not ready, or a stale one, fails it, so that supervision acts. Default false. */
  readonly failOnNotReady?: boolean | undefined;
}

/** What a check gets that does not say otherwise. */
export const CHECK_DEFAULTS: {
  readonly timeoutMs: number;
  readonly initialDelayMs: number;
  readonly failOnNotReady: boolean;
} = Object.freeze({
  timeoutMs: 5_000,
  initialDelayMs: 0,
  failOnNotReady: false,
});

/**
 * A worker whose readiness is what `probe` last found; it is not ready before the first result. Readiness probes read it and
 * run nothing. A probe that throws has failed. Throws `INVALID_OPTION`.
 */
export function check(
  probe: (ctx: WorkContext<void>) => MaybePromise<CheckOutcome>,
  options: CheckOptions,
): Worker<void> {
  readFunction(probe, "check.probe");
  const given = { ...CHECK_DEFAULTS, ...readOptions<CheckSettings>(options, "check", READERS) };
  const everyMs = readDurationMs(given.everyMs, "check.everyMs");
  const settings = { staleAfterMs: 2 * everyMs + given.timeoutMs, ...given, everyMs };
  return loopWorker<void>("check", {
    autoReady: false,
    async run(ctx) {
      const life = new CheckLife(ctx, probe, settings);
      await new Rounds(ctx)
        .run(settings.initialDelayMs, () => life.round())
        .finally(() => life.end());
    },
  });
}

/** What a check goes by, its defaults filled in. */
export type CheckSettings = { [Key in keyof CheckOptions]-?: NonNullable<CheckOptions[Key]> };

const READERS: OptionReaders<CheckSettings> = {
  everyMs: readDurationMs,
  timeoutMs: readDurationMs,
  staleAfterMs: readDurationMs,
  initialDelayMs: readDurationMs,
  failOnNotReady: readBoolean,
};
