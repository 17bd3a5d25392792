// A worker that takes items from a source, as many at a time as it can handle.

import {
  type OptionReaders,
  readDurationMs,
  readFunction,
  readLimit,
  readOneOf,
  readOptions,
} from "@workerkit/contracts";
import type { WorkContext, Worker } from "../worker/worker.ts";
import { loopWorker } from "./loop.ts";
import { type OnError, readOnError } from "./on-error.ts";
import { StreamLife } from "./stream-life.ts";

/** When a source should end. */
export interface SourceSignals {
  /** Aborts when drain begins: whatever the source still yields is handled, and no more is asked for. */
  readonly draining: AbortSignal;
  /** Aborts when the generation ends. */
  readonly signal: AbortSignal;
}

/** Where items come from, and what becomes of them. */
export interface StreamOptions<Item> {
  /** Opens the source, once in each generation. */
  readonly source: (signals: SourceSignals) => AsyncIterable<Item> | Iterable<Item>;
  /** Handles one item; each is a lease. */
  readonly handle: (item: NoInfer<Item>, ctx: WorkContext<void>) => unknown;
  /** How many items may be handled side by side; no more are taken from the source. Default 1. */
  readonly concurrency?: number | undefined;
  /** How long an item may take before its signal aborts with `TIMEOUT`, in ms. Default `Infinity`. */
  readonly itemTimeoutMs?: number | undefined;
  /**
   * Whether a failed item fails the worker; with a function you say so case by case, and may log.
   * Default `continue`, with a process warning at the first failed item of a generation.
   */
  readonly onError?: OnError<[item: NoInfer<Item>]> | undefined;
  /** Whether a source that ends has failed, with `LOOP_EXITED`, or is completed. Default `fail`. */
  readonly onEnd?: "fail" | "complete" | undefined;
}

/** What a stream gets that does not say otherwise. */
export const STREAM_DEFAULTS: {
  readonly concurrency: number;
  readonly itemTimeoutMs: number;
  readonly onEnd: "fail";
} = Object.freeze({
  concurrency: 1,
  itemTimeoutMs: Number.POSITIVE_INFINITY,
  onEnd: "fail",
});

/**
 * A worker that calls `handle` for each item of `source`, at most `concurrency` at a time. Drain takes no further item and lets
 * those in flight finish; then the source is told to return. Throws `INVALID_OPTION`.
 */
export function stream<Item>(options: StreamOptions<Item>): Worker<void> {
  const given = readOptions<Given<Item>>(options, "stream", readers());
  const settings = {
    ...STREAM_DEFAULTS,
    ...given,
    source: readFunction<StreamOptions<Item>["source"]>(given.source, "stream.source"),
    handle: readFunction<StreamOptions<Item>["handle"]>(given.handle, "stream.handle"),
  };
  return loopWorker<void>("stream", { run: (ctx) => new StreamLife(ctx, settings).run() });
}

type Given<Item> = { [Key in keyof StreamOptions<Item>]-?: NonNullable<StreamOptions<Item>[Key]> };

/** What a stream goes by, its defaults filled in. */
export type StreamSettings<Item> = Partial<Pick<Given<Item>, "onError">> &
  Omit<Given<Item>, "onError">;

function readers<Item>(): OptionReaders<Given<Item>> {
  return {
    source: readFunction,
    handle: readFunction,
    concurrency: readLimit,
    itemTimeoutMs: readDurationMs,
    onError: readOnError,
    onEnd: (value, path) => readOneOf(value, path, ["fail", "complete"]),
  };
}
