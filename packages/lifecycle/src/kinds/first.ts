// Waiting for whatever comes first, without leaving a timer or a listener behind.

import { type Clock, onAbort, type Unsubscribe } from "@workerkit/contracts";

/** Waits until `work` settles, `limitMs` have passed or `signal` aborts, and says which it was. */
export function first(
  clock: Clock,
  work: Promise<unknown>,
  limitMs: number,
  { label, signal }: { readonly label: string; readonly signal?: AbortSignal | undefined },
): Promise<"settled" | "late" | "aborted"> {
  return new Promise((resolve) => {
    let stopListening: Unsubscribe | undefined;
    const end = (what: "settled" | "late" | "aborted") => {
      clock.clearTimeout(timer);
      stopListening?.();
      resolve(what);
    };
    const timer =
      limitMs === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimeout(() => end("late"), limitMs, { label });
    const settled = () => end("settled");
    work.then(settled, settled);
    stopListening = signal && onAbort(signal, () => end("aborted"));
  });
}

/** Resolves once `signal` has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve);
  });
}
