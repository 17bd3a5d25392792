// One life of a poll: its runs, one after the other, and what each means for the worker.

import { askBackoff, type Backoff, symmetric } from "@workerkit/retry";
import type { WorkContext, WorkerContext } from "../worker/worker.ts";
import { aborted, first } from "./first.ts";
import { isFelling, observe } from "./on-error.ts";
import type { PollRun, ReadPollOptions } from "./poll.ts";
import { type WorkEnd, Workload } from "./work.ts";

export class PollLife {
  readonly #ctx: WorkerContext<void>;
  readonly #run: (ctx: WorkContext<void>) => unknown;
  readonly #settings: ReadPollOptions;
  readonly #workload: Workload;
  readonly #next: Backoff | undefined;
  #ready: boolean;
  #last: PollRun | undefined = undefined;
  /** Runs that failed in a row. */
  #failures = 0;
  #felled: { readonly error: unknown } | undefined = undefined;

  constructor(
    ctx: WorkerContext<void>,
    run: (ctx: WorkContext<void>) => unknown,
    settings: ReadPollOptions,
  ) {
    const { next, readyAfter } = settings;
    this.#ctx = ctx;
    this.#run = run;
    this.#settings = settings;
    this.#workload = new Workload(ctx);
    this.#ready = readyAfter === "start";
    // As a backoff it is asked with all the care that a user's function needs.
    this.#next = next && { delayMs: () => this.#ask(next) };
  }

  /** Resolves with the rest before the next run; rejects with what fells the worker. */
  async round(): Promise<number> {
    const { clock, draining, name, signal } = this.#ctx;
    let returned: Promise<void> | undefined;
    const outcome = await new Promise<PollRun["outcome"]>((over) => {
      returned = this.#begin(over);
      if (returned === undefined) over("aborted");
    });
    if (this.#felled !== undefined) {
      // It was reported already, unless a stop had told it to end: that lets it be recorded, and fail nothing.
      await aborted(signal);
      throw this.#felled.error;
    }
    // What was left to itself still keeps its turn.
    if (outcome === "abandoned" && returned !== undefined) {
      const limitMs = Number.POSITIVE_INFINITY;
      await first(clock, returned, limitMs, { label: `${name} waits`, signal: draining });
    }
    return this.#restMs();
  }

  #begin(resolve: (outcome: PollRun["outcome"]) => void): Promise<void> | undefined {
    const { clock, note } = this.#ctx;
    const startedAt = clock.now();
    const beganMs = clock.monotonicMs();
    return this.#workload.begin({
      ...{ label: "run", timeoutMs: this.#settings.timeoutMs, run: this.#run },
      over: (end) => {
        const { outcome } = end;
        this.#last = { startedAt, durationMs: clock.monotonicMs() - beganMs, outcome };
        note({ lastRun: this.#last });
        this.#judge(end);
        resolve(outcome);
      },
    });
  }

  #judge(end: WorkEnd): void {
    const ctx = this.#ctx;
    if (end.outcome === "ok") {
      this.#failures = 0;
      if (!this.#ready) this.#ready = ctx.setReady(true);
      return;
    }
    const { outcome, error, excused } = end;
    if (excused) return;
    this.#failures += 1;
    if (!isFelling(this.#settings.onError, error)) return;
    this.#felled = { error };
    if (outcome !== "aborted") ctx.reportFailure(error);
  }

  #restMs(): number {
    const { random } = this.#ctx;
    const { errorBackoff } = this.#settings;
    const asked = this.#failures > 0 && errorBackoff !== undefined ? errorBackoff : this.#next;
    return (asked && askBackoff(asked, this.#failures, random)) ?? this.#usualMs();
  }

  #usualMs(): number {
    const { everyMs, jitter } = this.#settings;
    if (everyMs === Number.POSITIVE_INFINITY) return everyMs;
    return symmetric(jitter).spreadMs(everyMs, this.#ctx.random);
  }

  #ask(next: (last: PollRun) => number): number {
    const answer: unknown = this.#last && next(this.#last);
    observe(answer);
    return typeof answer === "number" && !Number.isNaN(answer) ? answer : this.#usualMs();
  }
}
