// The place of a worker among those that stop side by side: none goes on to its stop hook before all are idle or cut, so
// that they can serve each other.

export interface Place {
  /** The worker is idle or cut. */
  reached(): void;
  /** Its place among others that stop side by side, when two such stops meet. */
  next: Place | undefined;
}

/** Says in all places that the worker is idle or cut. */
export function reachedIn(first: Place | undefined): void {
  for (let place = first; place !== undefined; place = place.next) place.reached();
}

/** The places without one of them. */
export function without(first: Place | undefined, gone: Place): Place | undefined {
  if (first === gone) return gone.next;
  for (let place = first; place !== undefined; place = place.next) {
    if (place.next === gone) place.next = gone.next;
  }
  return first;
}
