// A record of what a runtime tells: as objects to ask, and as a text that is the same byte for byte each time.

import {
  type AnyEvent,
  type Clock,
  type EventName,
  type EventSource,
  invalidOption,
  type OptionReaders,
  readOptions,
  readRecord,
  readText,
  type WorkerkitEvents,
} from "@workerkit/contracts";
import { eventLine, type RecordedEvent } from "./event-line.ts";

/** Where events come from, and the clock that dates them: a runtime is one. */
export interface EventOrigin {
  readonly clock: Clock;
  readonly events: EventSource<WorkerkitEvents>;
}

/** What is recorded. */
export interface RecordOptions {
  /** Only events of these names. Default all. */
  readonly only?: readonly EventName[] | undefined;
}

/** A record that grows. Events are heard a microtask after they happen: `await clock.flush()` before reading it. */
export interface EventRecorder {
  readonly events: readonly RecordedEvent[];
  /** The events as lines, the oldest first. */
  readonly lines: readonly string[];
  /** The lines as one text. */
  readonly text: string;
  /** Forgets what was recorded; times go on from where they were. */
  clear(): void;
  /** Records no more; what was recorded stays. */
  dispose(): void;
}

/** Records what a runtime tells from now on. Throws `INVALID_OPTION`. */
export function recordEvents(origin: EventOrigin, options: RecordOptions = {}): EventRecorder {
  readRecord(origin, "origin", "a runtime, or anything with events and a clock");
  const { only } = readOptions<{ only: readonly EventName[] }>(options, "options", READERS);
  const { clock } = origin;
  const beganMs = clock.monotonicMs();
  const events: RecordedEvent[] = [];
  const off = origin.events.onAny((...[name, event]: AnyEvent<WorkerkitEvents>) => {
    if (only !== undefined && !only.includes(name)) return;
    events.push({ atMs: clock.monotonicMs() - beganMs, name, event });
  });
  return {
    events,
    get lines() {
      return events.map(eventLine);
    },
    get text() {
      return events.map((recorded) => `${eventLine(recorded)}\n`).join("");
    },
    clear: () => {
      events.length = 0;
    },
    dispose: off,
  };
}

const READERS: OptionReaders<{ only: readonly EventName[] }> = {
  only(value, path): readonly EventName[] {
    if (Array.isArray(value))
      return value.map((name, at) => readText(name, `${path}[${at}]`)) as EventName[];
    throw invalidOption(path, value, "a list of event names");
  },
};
