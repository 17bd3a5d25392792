// Tells the life of a runtime: what becomes of its workers while it runs, and how they ended.

import type { Lifecycle, ShutdownReport, WorkerEnd } from "@workerkit/lifecycle";
import type { Say } from "./say.ts";

/** Says whatever happens to the workers of a runtime from now on. */
export function narrate(runtime: Lifecycle, say: Say): void {
  const { name, events } = runtime;
  let shutsDown = false;
  events.on("worker:transition", ({ worker, to }) => say(worker, to));
  events.on("worker:abandoned", ({ worker, label }) => say(worker, `does not wait for: ${label}`));
  events.on("runtime:waiting", ({ held }) => {
    for (const { worker, label, ageMs } of held)
      say(worker, `still busy: ${label}, ${seconds(ageMs)}`);
  });
  events.on("runtime:readiness", ({ ready }) => {
    const why = runtime.status().notReadyBecause.map(({ worker }) => worker);
    if (!shutsDown) say(name, ready ? "ready" : `not ready because of ${why.join(", ")}`);
  });
  runtime.onShutdown(() => {
    shutsDown = true;
    say(name, "shuts down; a second signal ends it at once");
  });
}

/** Says how each worker ended. */
export function tellReport({ workers }: ShutdownReport, say: Say): void {
  for (const end of workers) say(end.worker, sentenceOf(end));
}

function sentenceOf({ outcome, drainMs, stopMs, aborted, abandoned }: WorkerEnd): string {
  const left = abandoned.map(({ label, ageMs }) => `${label} (${seconds(ageMs)})`);
  return [
    `drained in ${Math.round(drainMs)} ms`,
    `${outcome} in ${Math.round(stopMs)} ms`,
    `${aborted} aborted`,
    left.length === 0 ? "0 left behind" : `left behind: ${left.join(", ")}`,
  ].join(", ");
}

function seconds(ms: number): string {
  return `for ${(ms / 1_000).toFixed(1)} s`;
}
