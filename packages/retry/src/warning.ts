// A user's policy or hook that throws harms nobody, but it is not silent either.

import { toError } from "@workerkit/contracts";

const warned = new WeakSet<object>();

/** Warns the process once for each `owner` that its function threw. */
export function warnBroken(owner: unknown, what: string, thrown: unknown): void {
  if (isObject(owner)) {
    if (warned.has(owner)) return;
    warned.add(owner);
  }
  process.emitWarning(`${what}, and does not count; further throws of it are not reported`, {
    type: "WorkerkitWarning",
    code: "WORKERKIT_RETRY",
    detail: detailOf(thrown),
  });
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function detailOf(thrown: unknown): string {
  try {
    return String(toError(thrown).stack);
  } catch {
    return "what it threw cannot be shown";
  }
}
