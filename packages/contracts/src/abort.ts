// Listening to a caller's signal: one real listener a signal, however many wait on it.

import type { Unsubscribe } from "./events.ts";

/**
 * Calls `listener` once when `signal` aborts, in the order of subscription; at once when it already has.
 * All waiters of one signal share one listener on it, which goes with the last of them. What a listener throws holds up
 * no other: it becomes an uncaught exception, as it does for a listener of the signal itself.
 */
export function onAbort(signal: AbortSignal, listener: () => void): Unsubscribe {
  if (signal.aborted) {
    call(listener);
    return () => {};
  }
  const waiters = waitersOf(signal);
  // A fresh object for each subscription, so that one function may wait twice.
  const waiter = { listener };
  waiters.all.add(waiter);
  return () => {
    if (waiters.all.delete(waiter) && waiters.all.size === 0) forget(signal, waiters);
  };
}

interface Waiters {
  readonly all: Set<{ readonly listener: () => void }>;
  readonly aborted: () => void;
}

const bySignal = new WeakMap<AbortSignal, Waiters>();

function waitersOf(signal: AbortSignal): Waiters {
  const known = bySignal.get(signal);
  if (known !== undefined) return known;
  const waiters: Waiters = {
    all: new Set(),
    aborted() {
      bySignal.delete(signal);
      for (const waiter of waiters.all) {
        waiters.all.delete(waiter);
        call(waiter.listener);
      }
    },
  };
  bySignal.set(signal, waiters);
  signal.addEventListener("abort", waiters.aborted, { once: true });
  return waiters;
}

function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function forget(signal: AbortSignal, waiters: Waiters): void {
  bySignal.delete(signal);
  signal.removeEventListener("abort", waiters.aborted);
}
