// The worker that says now and then how large the index is, if that has changed. Nobody needs it to be ready.

import { defineWorker, loop, type WorkerDefinition } from "@workerkit/lifecycle";
import { type Say, sizeOf } from "./say.ts";
import type { SearchIndex } from "./search-index.ts";

export interface StatsOptions {
  readonly indexer: WorkerDefinition<SearchIndex>;
  /** How long to wait between two lines, in ms. */
  readonly everyMs: number;
  readonly say: Say;
}

export function createStats({ indexer, everyMs, say }: StatsOptions): WorkerDefinition {
  return defineWorker({
    name: "stats",
    description: "Says how large the index is",
    dependsOn: [indexer],
    contributesToReadiness: false,
    failurePolicy: "isolate",
    worker: loop(async (ctx) => {
      const index = ctx.use(indexer);
      let lastSaid = "";
      while (!ctx.draining.aborted) {
        await ctx.sleep(everyMs);
        const size = sizeOf(index);
        if (size !== lastSaid) say("stats", size);
        lastSaid = size;
      }
    }),
  });
}
