// The garbage collector, where Node was started with --expose-gc: without it a contender pays for what another left behind.

/**
 * Collects garbage between samples, all or only what is young. Never by a bare `gc()`: that one also forgets what was
 * learnt of types whose objects have all died, so that half of a contender must be compiled anew (measured: 5 to 15 times slower).
 */
export function collect(which: "major" | "minor"): void {
  globalThis.gc?.({ type: which });
}

/** How many bytes of heap `make` leaves behind for as long as what it returned lives. */
export async function bytesKept<Kept>(
  make: () => Kept | Promise<Kept>,
): Promise<{ readonly bytes: number; readonly kept: Kept }> {
  const before = settledHeap();
  const kept = await make();
  return { bytes: settledHeap() - before, kept };
}

function settledHeap(): number {
  if (globalThis.gc === undefined) throw new Error("bytes can be counted under --expose-gc only");
  // A bare `gc()`, which frees all; the first run leaves what had waited for finalizers.
  for (let run = 0; run < 3; run++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
