// Things that a test lets go on when it wants, and looks at when it wants.

export interface Held {
  /** A hook that waits for `open` or `fail`. */
  readonly hook: () => Promise<unknown>;
  readonly open: (value?: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** The last call of the hook is the one that is held. */
export function held(): Held {
  let resolve: (value?: unknown) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  return {
    hook: () =>
      new Promise((...both) => {
        [resolve, reject] = both;
      }),
    open: (value) => resolve(value),
    fail: (error) => reject(error),
  };
}

/** What has become of a promise so far: undefined, `"resolved"`, or the error. */
export function outcomeOf(promise: Promise<unknown>): { readonly value: unknown } {
  const outcome: { value: unknown } = { value: undefined };
  promise.then(
    () => {
      outcome.value = "resolved";
    },
    (error: unknown) => {
      outcome.value = error;
    },
  );
  return outcome;
}

/** A hook that never ends. */
export const never = (): Promise<never> => new Promise(() => {});
