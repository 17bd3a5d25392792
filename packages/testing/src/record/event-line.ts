// One event as one line of text, the same every time: relative time, name, who, and what it says.

import type { EventName, WorkerkitEvents } from "@workerkit/contracts";

/** An event, and when it was heard. */
export interface RecordedEvent<Name extends EventName = EventName> {
  /** Ms of the monotonic clock since the recording began. */
  readonly atMs: number;
  readonly name: Name;
  readonly event: WorkerkitEvents[Name];
}

/**
 * Writes an event as `+1500 worker:restart db#2 attempt=1 delayMs=200 ...`: fields as they come, texts in quotes. Left out is
 * what differs from run to run or is said already: the time of day, the runtime, the error itself.
 */
export function eventLine({ atMs, name, event }: RecordedEvent): string {
  const fields: Readonly<Record<string, unknown>> = { ...event };
  const words = [`+${atMs}`, name];
  if (typeof fields.worker === "string") words.push(`${fields.worker}#${fields.generation}`);
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined && !SAID_ALREADY.has(key))
      words.push(`${key}=${JSON.stringify(value)}`);
  }
  return words.join(" ");
}

const SAID_ALREADY: ReadonlySet<string> = new Set([
  "runtime",
  "at",
  "worker",
  "generation",
  "error",
]);
