// Whether an error only says that somebody was told to end.

import { readProperty } from "@workerkit/contracts";
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
    depth += 1, link = readProperty(link, "cause")
  ) {
    if (signal.aborted && link === signal.reason) return true;
    if (draining.aborted && link === draining.reason) return true;
    if (readProperty(link, "name") === "AbortError" || readProperty(link, "code") === "ABORT_ERR") {
      return true;
    }
  }
  return false;
}
