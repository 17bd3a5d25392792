// What becomes of the items of a stream that failed.

import { inspect } from "node:util";
import { safeMessageOf } from "@workerkit/contracts";
import type { WorkerContext } from "../worker/worker.ts";
import { aborted } from "./first.ts";
import { isFelling, type OnError } from "./on-error.ts";
import type { FailedWork } from "./work.ts";

export class ItemFailures<Item> {
  readonly #ctx: WorkerContext<void>;
  readonly #onError: OnError<[item: Item]> | undefined;
  #late: { readonly error: unknown } | undefined = undefined;
  #warned = false;

  constructor(ctx: WorkerContext<void>, onError: OnError<[item: Item]> | undefined) {
    this.#ctx = ctx;
    this.#onError = onError;
  }

  /** Fails the worker, or notes the failure and goes on. */
  add({ outcome, error, excused }: FailedWork, item: Item): void {
    if (excused) return;
    const ctx = this.#ctx;
    if (isFelling(this.#onError ?? "continue", error, item)) {
      if (outcome === "aborted") this.#late ??= { error };
      else ctx.reportFailure(error);
      return;
    }
    const { code, message } = safeMessageOf(error, "WORKER_FAILED");
    const safe = code === "WORKER_FAILED" ? FAILED : { code, message };
    ctx.note({ lastItemFailure: { ...safe, at: ctx.clock.now() } });
    if (this.#onError === undefined) this.#warn(error);
  }

  /** Throws what failed after a stop had told it to end, once that lets it be recorded and fail nothing. */
  async throwLate(): Promise<void> {
    if (this.#late === undefined) return;
    await aborted(this.#ctx.signal);
    throw this.#late.error;
  }

  /** Nobody said that failures may pass in silence. */
  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(
      `Worker ${this.#ctx.name} goes on although an item failed; onError of its stream would hear of each. ${textOf(error)}`,
      { code: "WORKERKIT_ITEM_FAILED" },
    );
  }
}

const FAILED = { code: "ITEM_FAILED", message: "an item failed" };

function textOf(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return "an error that cannot be read";
  }
}
