// Looking at values that may come from anywhere without being hurt by them.

/** Whether `value` has a function under every one of `keys`; a throwing getter has none. */
export function hasFunctions(value: unknown, keys: readonly string[]): boolean {
  return keys.every((key) => typeof peek(value, key) === "function");
}

/** Reads a property of anything; a missing one and a throwing getter read as undefined. */
export function peek(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return undefined;
  }
  try {
    return (value as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}

/** Takes in what a user's function returned by mistake or in the background, so that no rejection goes unhandled. */
export function observe(returned: unknown, rejected: (reason: unknown) => void = () => {}): void {
  if (typeof peek(returned, "then") !== "function") return;
  new Promise((resolve) => resolve(returned)).then(undefined, rejected);
}
