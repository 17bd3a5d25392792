// With which errors of a disk a service has patience, and for how long.

import { attemptsIf, exponential, full, type RetryPolicy } from "@workerkit/retry";

const TEMPORARY = new Set(["EAGAIN", "EBUSY", "EMFILE", "ENFILE"]);

/** Whether an error says that the machine is short of something, which tells nothing about the file. */
export function isTemporary(error: unknown): boolean {
  return TEMPORARY.has(codeOf(error));
}

/** Five attempts within a second or so; what would only fail again is not tried again. */
export const patience: RetryPolicy = attemptsIf(5, exponential(50, 2), full, isTemporary);

/** The code of a system error, such as `EACCES`; of any other error, its message. */
export function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return String(code ?? message);
}
