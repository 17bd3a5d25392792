// A worker that does one thing once, and then stays until it is stopped.

import { readFunction, readOneOf, readOptions } from "@workerkit/contracts";
import type { WorkContext, Worker, WorkerContext } from "../worker/worker.ts";
import { aborted } from "./first.ts";
import { loopWorker } from "./loop.ts";
import { Workload } from "./work.ts";

/** What follows when a task is done. */
export interface TaskOptions {
  /** Whether the worker stays as it is, or asks for the shutdown of its runtime. Default `stay`. */
  readonly onComplete?: "stay" | "shutdown" | undefined;
}

/**
 * A worker that calls `run` once; it runs from the launch on, and stays so when `run` has returned. The run is a lease.
 * An error fails the worker. Throws `INVALID_OPTION`.
 */
export function task(
  run: (ctx: WorkContext<void>) => unknown,
  options?: TaskOptions,
): Worker<void> {
  readFunction(run, "task.run");
  const { onComplete = "stay" } = readOptions<Required<TaskOptions>>(options, "task", {
    onComplete: (value, path) => readOneOf(value, path, ["stay", "shutdown"]),
  });
  return loopWorker<void>("task", { run: (ctx) => runTask(ctx, run, onComplete === "shutdown") });
}

async function runTask(
  ctx: WorkerContext<void>,
  run: (ctx: WorkContext<void>) => unknown,
  shutsDown: boolean,
): Promise<void> {
  let failed: { readonly error: unknown } | undefined;
  ctx.note({ completed: undefined });
  void new Workload(ctx).begin({
    label: "task",
    run,
    over(end) {
      if (end.outcome === "ok") {
        ctx.note({ completed: true });
        if (shutsDown) ctx.requestShutdown(`the task of ${ctx.name} is done`);
      } else if (!end.excused) {
        failed = { error: end.error };
        if (end.outcome !== "aborted") ctx.reportFailure(end.error);
      }
    },
  });
  await aborted(ctx.signal);
  if (failed !== undefined) throw failed.error;
}
