import {
  type Clock,
  type EventSource,
  isWorkerkitError,
  sleep,
  systemClock,
  WorkerkitError,
  type WorkerkitEvents,
} from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";

export async function wait(clock: Clock = systemClock, signal?: AbortSignal): Promise<number> {
  await sleep(clock, 10, signal);
  return clock.monotonicMs();
}

export async function waitInATest(): Promise<number> {
  const clock = createFakeClock({ now: 0 });
  const waiting = wait(clock);
  await clock.advance(10);
  return waiting;
}

export function codeOf(error: unknown): string {
  if (isWorkerkitError(error, "TIMEOUT")) return `${error.code}: ${error.message}`;
  return error instanceof WorkerkitError ? error.code : "none";
}

export function listen(events: EventSource<WorkerkitEvents>): () => void {
  const stop = events.on("worker:failure", ({ worker, code }) => console.log(worker, code));
  events.onAny((name, event) => {
    if (name === "command:end") console.log(event.durationMs);
    // @ts-expect-error Another event has no duration.
    event.durationMs;
  });
  // @ts-expect-error There is no such event.
  events.on("worker:nothing", () => {});
  return stop;
}
