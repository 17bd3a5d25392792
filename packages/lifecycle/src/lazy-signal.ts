// An abort signal that costs nothing until somebody reads it: most hooks and handlers never do.

/** The owner's side of a lazy signal. */
export class LazySignal {
  #controller: AbortController | undefined = undefined;
  #reason: (() => unknown) | undefined = undefined;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  /** The signal; creating an AbortController takes 2 to 4 us on Node 20, so only a reader pays for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** Aborts with what `reason` returns, which is asked only if somebody reads the signal; only the first call counts. */
  abort(reason: () => unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
