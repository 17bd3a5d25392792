// One life of a stream: takes items while there is room, lets them finish when drain begins, and closes the source once.

import { invalidOption, isWorkerkitError, onAbort, WorkerkitError } from "@workerkit/contracts";
import type { Lease, WorkerContext } from "../worker/worker.ts";
import { aborted, first } from "./first.ts";
import { ItemFailures } from "./item-failures.ts";
import type { StreamSettings } from "./stream.ts";
import { invoke, Workload } from "./work.ts";

export class StreamLife<Item> {
  readonly #ctx: WorkerContext<void>;
  readonly #settings: StreamSettings<Item>;
  readonly #workload: Workload;
  readonly #failures: ItemFailures<Item>;
  /** Whether the source owes an answer, and whether it has ended; then perhaps with an error. */
  #asked = false;
  #ended = false;
  #thrown: { readonly error: unknown } | undefined = undefined;
  /** Items whose code runs, those left to themselves included, and those that drain waits for. */
  #running = 0;
  #open = 0;
  /** Whether what is in flight was told to end. */
  #cut = false;
  #over = false;
  /** Holds a drain up while no item does, for what the source may still yield. */
  #hold: Lease | undefined = undefined;
  #changed: () => void = () => {};

  constructor(ctx: WorkerContext<void>, settings: StreamSettings<Item>) {
    this.#ctx = ctx;
    this.#settings = settings;
    this.#workload = new Workload(ctx);
    this.#failures = new ItemFailures(ctx, settings.onError);
  }

  /** Resolves when the source is closed; rejects with what it threw, and `LOOP_EXITED` when it ended by itself. */
  async run(): Promise<void> {
    const { draining, note, signal } = this.#ctx;
    note({ completed: undefined });
    const iterator = open(this.#settings.source({ draining, signal }));
    // Users' code is called from `run` alone: these listeners run in the async context of whoever stops the worker.
    onAbort(draining, () => {
      this.#holdDrain();
      this.#changed();
    });
    onAbort(signal, () => this.#cutOff());
    try {
      await this.#take(iterator);
      if (draining.aborted) await this.#drain(iterator);
      else await this.#finish();
    } finally {
      this.#over = true;
      this.#release();
    }
    await this.#failures.throwLate();
  }

  /** Takes items while there is room for them, until the source ends or drain begins. */
  async #take(iterator: AnyIterator<Item>): Promise<void> {
    const { draining } = this.#ctx;
    while (!this.#ended && !draining.aborted) {
      if (!this.#asked && this.#running < this.#settings.concurrency) this.#ask(iterator);
      await this.#change();
    }
  }

  /** What the source still owes is handled; one that heeds `draining` answers within the grace, any other is told to return. */
  async #drain(iterator: AnyIterator<Item>): Promise<void> {
    const { clock, graceMs, name } = this.#ctx;
    await this.#until(() => this.#cut || !this.#asked, graceMs);
    await this.#until(() => this.#cut || this.#open === 0);
    if (this.#ended) return;
    const returned = invoke(() => iterator.return?.());
    const how = await first(clock, returned, graceMs, { label: `${name} closes its source` });
    if (how === "settled") await returned;
  }

  /** The source has ended by itself. */
  async #finish(): Promise<void> {
    const { draining, name, note } = this.#ctx;
    await this.#until(() => draining.aborted || this.#open === 0);
    if (draining.aborted) return;
    if (this.#settings.onEnd === "fail") {
      const details = { worker: name };
      throw new WorkerkitError("LOOP_EXITED", `the source of worker ${name} ended`, { details });
    }
    note({ completed: true });
    await aborted(draining);
  }

  #ask(iterator: AnyIterator<Item>): void {
    this.#asked = true;
    invoke(() => iterator.next())
      .then((answer) => {
        if (answer.done === true) this.#ended = true;
        else this.#handle(answer.value);
      })
      .catch((error) => {
        this.#ended = true;
        this.#thrown = { error };
      })
      .finally(() => {
        this.#asked = false;
        this.#changed();
      });
  }

  #handle(item: Item): void {
    const { handle, itemTimeoutMs } = this.#settings;
    this.#running += 1;
    this.#open += 1;
    const returned = this.#workload.begin({
      label: "item",
      timeoutMs: itemTimeoutMs,
      run: (ctx) => handle(item, ctx),
      onAbort: (reason) => {
        if (!isWorkerkitError(reason, "TIMEOUT")) this.#cutOff();
      },
      over: (end) => {
        this.#open -= 1;
        if (end.outcome !== "ok") this.#failures.add(end, item);
        this.#holdDrain();
        this.#changed();
      },
    });
    // Undefined once nothing begins any more in this generation.
    void returned?.then(() => {
      this.#running -= 1;
      this.#changed();
    });
    this.#release();
  }

  #cutOff(): void {
    this.#cut = true;
    this.#release();
    this.#changed();
  }

  #holdDrain(): void {
    const { admit, draining } = this.#ctx;
    if (!draining.aborted || this.#over || this.#open > 0) return;
    this.#hold ??= admit("source", { onAbort: () => this.#cutOff() });
  }

  #release(): void {
    this.#hold?.release();
    this.#hold = undefined;
  }

  /** Waits until `done`, at most `limitMs`; rejects with what the source throws. */
  async #until(done: () => boolean, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, name } = this.#ctx;
    let late = false;
    const end = () => {
      late = true;
      this.#changed();
    };
    const label = `${name} waits for its source`;
    const timer =
      limitMs === Number.POSITIVE_INFINITY || done()
        ? undefined
        : clock.setTimeout(end, limitMs, { label });
    while (!late && !done() && this.#thrown === undefined) await this.#change();
    clock.clearTimeout(timer);
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

interface AnyIterator<Item> {
  next(): IteratorResult<Item> | Promise<IteratorResult<Item>>;
  return?(): unknown;
}

function open<Item>(source: AsyncIterable<Item> | Iterable<Item>): AnyIterator<Item> {
  const iterable = Object(source) as Partial<AsyncIterable<Item> & Iterable<Item>>;
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  if (iterator === undefined) {
    throw invalidOption("stream.source", source, "to return an async iterable");
  }
  return iterator;
}
