// One life of a check: its probes, one after the other, and what each means for the readiness of the worker.

import { type ClockTimer, safeMessageOf, showValue, WorkerkitError } from "@workerkit/contracts";
import type { Lease, MaybePromise, WorkContext, WorkerContext } from "../worker/worker.ts";
import type { CheckOutcome, CheckRun, CheckSettings } from "./check.ts";
import { first } from "./first.ts";
import { invoke, leaseContext, workContext } from "./work.ts";

type Result = Pick<CheckRun, "outcome" | "message">;

export class CheckLife {
  readonly #ctx: WorkerContext<void>;
  readonly #probe: (ctx: WorkContext<void>) => MaybePromise<CheckOutcome>;
  readonly #settings: CheckSettings;
  #stale: ClockTimer | undefined = undefined;

  constructor(
    ctx: WorkerContext<void>,
    probe: (ctx: WorkContext<void>) => MaybePromise<CheckOutcome>,
    settings: CheckSettings,
  ) {
    this.#ctx = ctx;
    this.#probe = probe;
    this.#settings = settings;
  }

  /** Resolves with the rest before the next probe. */
  async round(): Promise<number> {
    const { clock } = this.#ctx;
    const startedAt = clock.now();
    const beganMs = clock.monotonicMs();
    const result = await this.#ask();
    if (result !== undefined) {
      this.#ended({ startedAt, durationMs: clock.monotonicMs() - beganMs, ...result });
    }
    return this.#settings.everyMs;
  }

  end(): void {
    this.#ctx.clock.clearTimeout(this.#stale);
  }

  /** Probes; undefined when drain began before there was a result. */
  async #ask(): Promise<Result | undefined> {
    const { clock, draining, graceMs, name } = this.#ctx;
    const { timeoutMs } = this.#settings;
    const label = `${name} probes`;
    const controller = new AbortController();
    let result: Result | undefined;
    const probed = invoke(this.#probe, probeContext(this.#ctx, controller.signal))
      .then(readOutcome)
      .catch(shownAs)
      .then((found) => {
        result = found;
      });
    const how = await first(clock, probed, timeoutMs, { label, signal: draining });
    if (how === "settled") return result;
    if (how === "aborted") {
      this.end();
      controller.abort(draining.reason);
      await first(clock, probed, graceMs, { label });
      return undefined;
    }
    const message = `the probe took longer than ${timeoutMs} ms`;
    controller.abort(new WorkerkitError("TIMEOUT", message, { details: { worker: name } }));
    return failed(message);
  }

  #ended(run: CheckRun): void {
    const { clock, emit, name, note, setReady } = this.#ctx;
    const { staleAfterMs } = this.#settings;
    const { startedAt, ...event } = run;
    note({ lastRun: run });
    emit("check:end", event);
    clock.clearTimeout(this.#stale);
    if (run.outcome === "fail")
      return this.#notReady(`the check of ${name} failed: ${run.message}`);
    setReady(true);
    if (staleAfterMs === Number.POSITIVE_INFINITY) return;
    const stale = () => this.#notReady(`the check of ${name} had no result for ${staleAfterMs} ms`);
    this.#stale = clock.setTimeout(stale, staleAfterMs, { label: `${name} grows stale` });
  }

  #notReady(why: string): void {
    const { name, reportFailure, setReady } = this.#ctx;
    setReady(false);
    if (!this.#settings.failOnNotReady) return;
    reportFailure(new WorkerkitError("WORKER_FAILED", why, { details: { worker: name } }));
  }
}

/** A probe is no lease, and drain does not wait for it; its context looks like any other. */
function probeContext(ctx: WorkerContext<void>, signal: AbortSignal): WorkContext<void> {
  const release = () => {};
  const lease: Lease = { label: "probe", signal, release, [Symbol.dispose]: release };
  return workContext(leaseContext(ctx), lease);
}

function readOutcome(answer: unknown): Result {
  const { outcome, message } = (
    typeof answer === "object" && answer !== null ? answer : { outcome: answer }
  ) as { readonly outcome?: unknown; readonly message?: unknown };
  const known = OUTCOMES.find((word) => word === outcome);
  if (known === undefined) {
    return failed(`the probe returned ${showValue(answer)}: expected ${OUTCOMES.join(", ")}`);
  }
  return message === undefined ? { outcome: known } : { outcome: known, message: String(message) };
}

const OUTCOMES = ["pass", "warn", "fail"] as const;

/** What may be shown of an error of the probe. */
function shownAs(error: unknown): Result {
  const { code, message } = safeMessageOf(error, "WORKER_FAILED");
  return failed(code === "WORKER_FAILED" ? "the probe threw" : message);
}

function failed(message: string): Result {
  return { outcome: "fail", message };
}
