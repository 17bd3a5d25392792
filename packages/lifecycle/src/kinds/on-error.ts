// What a failed run or item means for its worker.

import { invalidOption } from "@workerkit/contracts";

/** Go on, or fail the worker; a function decides case by case, and may log. */
export type OnError<Rest extends unknown[] = []> =
  | "continue"
  | "fail"
  | ((error: unknown, ...rest: Rest) => "continue" | "fail");

/** Reads an `onError`. */
export function readOnError<Rest extends unknown[]>(value: unknown, path: string): OnError<Rest> {
  if (value === "continue" || value === "fail" || typeof value === "function") {
    return value as OnError<Rest>;
  }
  throw invalidOption(path, value, '"continue", "fail" or a function that returns one of them');
}

/** Whether this error fails the worker; a function that throws has not agreed to go on. */
export function isFelling<Rest extends unknown[]>(
  onError: OnError<Rest>,
  error: unknown,
  ...rest: Rest
): boolean {
  if (typeof onError !== "function") return onError === "fail";
  try {
    const answer: unknown = onError(error, ...rest);
    observe(answer);
    return answer === "fail";
  } catch {
    return true;
  }
}

/** An answer that is a promise is no answer; that it rejects harms nobody. */
export function observe(answer: unknown): void {
  if (typeof answer === "object" && answer !== null) {
    Promise.resolve(answer).catch(() => {});
  }
}
