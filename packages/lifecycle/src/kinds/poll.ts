// A worker that runs again and again: a run, a rest, the next run, and never two at once.

import {
  invalidOption,
  type OptionReaders,
  readDurationMs,
  readFunction,
  readOneOf,
  readOptions,
} from "@workerkit/contracts";
import { type Backoff, readBackoff } from "@workerkit/retry";
import type { WorkContext, Worker } from "../worker/worker.ts";
import { loopWorker } from "./loop.ts";
import { type OnError, readOnError } from "./on-error.ts";
import { PollLife } from "./poll-life.ts";
import { Rounds } from "./rounds.ts";
import type { WorkEnd } from "./work.ts";

/** A finished run, as status shows the last one. */
export interface PollRun {
  /** Ms since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** `aborted` when a stop cut it short. */
  readonly outcome: WorkEnd["outcome"];
}

/** When and how a poll runs. */
export interface PollOptions {
  /** The rest between the end of a run and the next, in ms. */
  readonly everyMs: number;
  /** Says, after each run, how many ms to rest in place of `everyMs`, without jitter; what is no number counts as `everyMs`. */
  readonly next?: ((last: PollRun) => number) | undefined;
  /** The share of `everyMs`, 0 to 1, by which a rest is shortened or lengthened at random. Default 0.1. */
  readonly jitter?: number | undefined;
  /** The rest before the first run, in ms. Default 0. */
  readonly initialDelayMs?: number | undefined;
  /** How long a run may take before its signal aborts with `TIMEOUT`, in ms. Default `Infinity`. */
  readonly timeoutMs?: number | undefined;
  /** Whether a failed run fails the worker; with a function you say so case by case, and may log. Default `fail`. */
  readonly onError?: OnError | undefined;
  /** How long to rest after the first, second, … failed run in a row. Default as after any other. */
  readonly errorBackoff?: Backoff | undefined;
  /** Whether the worker is ready once started, or once a run has succeeded. Default `start`. */
  readonly readyAfter?: "start" | "first-success" | undefined;
}

/** A poll; whoever learns of something new may hurry it. */
export interface PollWorker extends Worker<void> {
  /** Runs now, or once more as soon as the present run has ended; in every runtime that runs this worker. False where none does. */
  readonly trigger: () => boolean;
}

/** What a poll gets that does not say otherwise. */
export const POLL_DEFAULTS: {
  readonly jitter: number;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly onError: "fail";
  readonly readyAfter: "start";
} = Object.freeze({
  jitter: 0.1,
  initialDelayMs: 0,
  timeoutMs: Number.POSITIVE_INFINITY,
  onError: "fail",
  readyAfter: "start",
});

/** A worker that calls `run` again and again, with a rest after each run; each run is a lease. Throws `INVALID_OPTION`. */
export function poll(run: (ctx: WorkContext<void>) => unknown, options: PollOptions): PollWorker {
  readFunction(run, "poll.run");
  const settings = { ...POLL_DEFAULTS, ...readOptions<PollSettings>(options, "poll", READERS) };
  const everyMs = readDurationMs(settings.everyMs, "poll.everyMs");
  const lives = new Set<Rounds>();
  const worker = loopWorker<void>("poll", {
    autoReady: settings.readyAfter === "start" ? undefined : false,
    async run(ctx) {
      const rounds = new Rounds(ctx);
      lives.add(rounds);
      const life = new PollLife(ctx, run, { ...settings, everyMs });
      await rounds
        .run(settings.initialDelayMs, () => life.round())
        .finally(() => lives.delete(rounds));
    },
  });
  return {
    ...worker,
    trigger: () => [...lives].map((rounds) => rounds.hurry()).includes(true),
  };
}

type PollSettings = { [Key in keyof PollOptions]-?: NonNullable<PollOptions[Key]> };

const READERS: OptionReaders<PollSettings> = {
  everyMs: readDurationMs,
  next: readFunction,
  jitter: readShare,
  initialDelayMs: readDurationMs,
  timeoutMs: readDurationMs,
  onError: readOnError,
  errorBackoff: readBackoff,
  readyAfter: (value, path) => readOneOf(value, path, ["start", "first-success"]),
};

function readShare(value: unknown, path: string): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw invalidOption(path, value, "a number from 0 to 1");
}

/** What a poll goes by, its defaults filled in. */
export type ReadPollOptions = Partial<PollSettings> & Omit<PollSettings, "next" | "errorBackoff">;
