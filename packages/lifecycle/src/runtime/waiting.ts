// Telling what a long wait is waiting for: after 5 s, and then after twice as long each time.

import type { HeldWork } from "@workerkit/contracts";
import { Delay } from "../worker/delay.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import type { RuntimeCore } from "./core.ts";

/** What waits. */
export interface Wait {
  readonly phase: () => "shutdown" | "stop" | "idle";
  readonly workers: () => Iterable<RegisteredWorker>;
  /** The moment of the monotonic clock at which it ends at the latest, if it does. */
  readonly endByMs?: () => number;
}

const FIRST_AFTER_MS = 5_000;

/** Emits `runtime:waiting` for as long as something waits; call what it returns when it does no more. */
export function tellWhatHolds(core: RuntimeCore, wait: Wait): () => void {
  let afterMs = FIRST_AFTER_MS;
  const delay = new Delay(() => {
    tell(core, wait);
    afterMs *= 2;
    core.deadlines.set(delay, afterMs);
  });
  core.deadlines.set(delay, afterMs);
  return () => core.deadlines.clear(delay);
}

function tell(core: RuntimeCore, { phase, workers, endByMs }: Wait): void {
  if (!core.hub.wants("runtime:waiting")) return;
  const now = core.clock.monotonicMs();
  const leftMs = (endByMs?.() ?? Number.POSITIVE_INFINITY) - now;
  const held: HeldWork[] = [];
  for (const worker of workers()) held.push(...heldBy(worker, now));
  core.hub.emit("runtime:waiting", {
    ...{ runtime: core.name, at: core.clock.now(), phase: phase(), held },
    ...(leftMs !== Number.POSITIVE_INFINITY && { leftMs: Math.max(0, leftMs) }),
  });
}

function heldBy({ name, current, generation }: RegisteredWorker, now: number): HeldWork[] {
  const held: HeldWork[] = [];
  const hook = current?.running;
  if (hook !== undefined) {
    held.push({ worker: name, label: `${hook.phase} hook`, ageMs: now - hook.sinceMs });
  }
  for (const { label, sinceMs } of generation?.leases() ?? []) {
    held.push({ worker: name, label, ageMs: now - sinceMs });
  }
  return held;
}
