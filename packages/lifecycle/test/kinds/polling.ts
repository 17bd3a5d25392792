// A poll that logs when each of its runs begins.

import { type PollOptions, type PollWorker, poll, type WorkContext } from "@workerkit/lifecycle";
import { type Host, type HostOptions, host } from "./host.ts";

/** Hosts a poll that runs every 100 ms unless it is told otherwise. */
export function polling(
  run: (ctx: WorkContext<void>, nth: number) => unknown,
  options: Partial<PollOptions> = {},
  policy: HostOptions = {},
): Host & { readonly worker: PollWorker } {
  let runs = 0;
  const worker = poll(
    (ctx) => {
      runs += 1;
      hosted.say(`run ${runs}`);
      return run(ctx, runs);
    },
    { everyMs: 100, ...options },
  );
  const hosted = host(worker, policy);
  return { ...hosted, worker };
}
