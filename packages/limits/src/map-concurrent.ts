// Maps a list with a bounded number of calls side by side, and tells the running ones when the whole is over early.

import {
  invalidOption,
  type OptionReaders,
  onAbort,
  readFunction,
  readLimit,
  readOptions,
  readRecord,
  readSignal,
} from "@workerkit/contracts";
import pLimit, { type LimitFunction } from "p-limit";

/** How a list is mapped. */
export interface MapOptions {
  /** How many calls may run side by side: a whole number of 1 or more, or `Infinity`. */
  readonly concurrency: number;
  /** Ends the whole when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call knows beside its item. */
export interface MapCall {
  /** The place of the item in the list, from 0. */
  readonly index: number;
  /** Aborts when the whole ends early while this call runs; its reason is what the whole rejects with. */
  readonly signal: AbortSignal;
}

/**
 * Calls `fn` for each item, in order, at most `concurrency` at a time; resolves with the results in the order of the items.
 *
 * At the first error, or when `options.signal` aborts, no further call begins, the signals of the running calls abort, and the
 * promise rejects at once with that error, or with `signal.reason`; how those calls end changes nothing any more.
 * The items are read before the first call. Rejects with `INVALID_OPTION`.
 */
export async function mapConcurrent<Item, Returned>(
  items: Iterable<Item>,
  fn: (item: NoInfer<Item>, call: MapCall) => Returned,
  options: MapOptions,
): Promise<Awaited<Returned>[]> {
  const list = readItems(items);
  readFunction(fn, "fn");
  const { concurrency, signal } = readMapOptions(options);
  if (signal?.aborted) throw signal.reason;
  const mapping = new Mapping(fn);
  const stopListening = signal && onAbort(signal, () => mapping.end(signal.reason));
  try {
    return await Promise.race([mapping.ended, mapping.results(list, concurrency)]);
  } finally {
    stopListening?.();
  }
}

class Mapping<Item, Returned> {
  /** Rejects when the whole ends early. */
  readonly ended: Promise<never>;
  readonly #fn: (item: Item, call: MapCall) => Returned;
  readonly #running = new Set<RunningCall>();
  #queue: LimitFunction | undefined = undefined;
  #end: { readonly reason: unknown } | undefined = undefined;
  #reject: (reason: unknown) => void = () => {};

  constructor(fn: (item: Item, call: MapCall) => Returned) {
    this.#fn = fn;
    this.ended = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
  }

  async results(list: readonly Item[], concurrency: number): Promise<Awaited<Returned>[]> {
    if (concurrency >= list.length) return Promise.all(list.map(this.#call));
    if (concurrency > 1) {
      const limit = pLimit({ concurrency, rejectOnClear: true });
      this.#queue = limit;
      return Promise.all(list.map((item, index) => limit(this.#call, item, index)));
    }
    const results: Awaited<Returned>[] = [];
    for (const [index, item] of list.entries()) results.push(await this.#call(item, index));
    return results;
  }

  /** Ends the whole early: tells the running calls, forgets the others. */
  end(reason: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#queue?.clearQueue();
    for (const call of this.#running) call.abort(reason);
    this.#reject(reason);
  }

  readonly #call = async (item: Item, index: number): Promise<Awaited<Returned>> => {
    if (this.#end !== undefined) throw this.#end.reason;
    const call = new RunningCall(index);
    this.#running.add(call);
    try {
      return await this.#fn(item, call);
    } catch (error) {
      this.#running.delete(call);
      this.end(error);
      throw error;
    } finally {
      this.#running.delete(call);
    }
  };
}

/** A call whose signal is made when somebody asks for it: that costs 2 to 4 us. */
class RunningCall implements MapCall {
  readonly index: number;
  #controller: AbortController | undefined = undefined;
  #aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(index: number) {
    this.index = index;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }
}

function readItems<Item>(items: Iterable<Item>): Item[] {
  if (isIterable(items)) return Array.from(items);
  throw invalidOption("items", items, "an iterable, such as an array, a set or a generator");
}

function isIterable(value: unknown): boolean {
  try {
    return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
  } catch {
    return false; // null, undefined, or something that throws when it is read
  }
}

const MAP_READERS: OptionReaders<MapOptions> = { concurrency: readLimit, signal: readSignal };

function readMapOptions(options: MapOptions): MapOptions {
  readRecord(options, "");
  const { concurrency, signal } = readOptions<MapOptions>(options, "", MAP_READERS);
  return { concurrency: readLimit(concurrency, "concurrency"), signal };
}
