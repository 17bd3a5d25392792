// Whether an error only says that somebody was told to end.

import type { WorkerContext } from "../worker/worker.ts";

/** The reason of the context's own signals, an AbortError, or an error that one of these caused (W2). */
export function isAbortShaped(
  error: unknown,
  { signal, draining }: Pick<WorkerContext, "signal" | "draining">,
): boolean {
  let link = error;
  // A chain may run in a circle, and a getter may grow it for ever.
  for (
    let depth = 0;
    depth < 100 && link !== undefined;
    depth += 1, link = property(link, "cause")
  ) {
    if (signal.aborted && link === signal.reason) return true;
    if (draining.aborted && link === draining.reason) return true;
    if (property(link, "name") === "AbortError" || property(link, "code") === "ABORT_ERR") {
      return true;
    }
  }
  return false;
}

/** Reads a property of anything, for what was thrown may be a proxy or carry getters that throw. */
function property(value: unknown, key: "cause" | "name" | "code"): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}
