// Looking at values that may come from anywhere without being hurt by them.

import { readProperty } from "@workerkit/contracts";

/** Whether `value` has a function under every one of `keys`; a throwing getter has none. */
export function hasFunctions(value: unknown, keys: readonly string[]): boolean {
  return keys.every((key) => typeof readProperty(value, key) === "function");
}

/** Takes in what a user's function returned by mistake or in the background, so that no rejection goes unhandled. */
export function observe(returned: unknown, rejected: (reason: unknown) => void = () => {}): void {
  if (typeof readProperty(returned, "then") !== "function") return;
  new Promise((resolve) => resolve(returned)).then(undefined, rejected);
}
