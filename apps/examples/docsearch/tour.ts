// The worker that shows what the index is good for: it asks a few questions, and then asks for the shutdown.

import { defineWorker, loop, type WorkerDefinition } from "@workerkit/lifecycle";
import { counted, type Say, shown } from "./say.ts";
import type { SearchIndex } from "./search-index.ts";

/** The last one is misspelt. */
const QUESTIONS = ["graceful shutdown", "retry with backoff", "limit concurency"];

export interface TourOptions {
  readonly indexer: WorkerDefinition<SearchIndex>;
  readonly say: Say;
}

export function createTour({ indexer, say }: TourOptions): WorkerDefinition {
  return defineWorker({
    name: "tour",
    description: "Asks the index a few questions",
    dependsOn: [indexer],
    contributesToReadiness: false,
    worker: loop(async (ctx) => {
      const index = ctx.use(indexer);
      for (const question of QUESTIONS) {
        await ctx.sleep(100); // so that a person can follow
        const { hits, total } = index.search(question, 3);
        say("tour", `"${question}" is in ${counted(total, "document")}`);
        for (const { title, name } of hits)
          say("", `  ${title.slice(0, 30).padEnd(32)}${shown(name)}`);
      }
      ctx.requestShutdown("the tour is over");
      await ctx.sleep(Number.POSITIVE_INFINITY); // a loop that ends by itself has failed
    }),
  });
}
