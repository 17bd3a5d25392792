// The service: a runtime with its three workers, and the tour through it.

import type { Clock } from "@workerkit/contracts";
import { createLifecycle, type Lifecycle, type WorkerDefinition } from "@workerkit/lifecycle";
import type { Disk } from "./disk.ts";
import { createFiles } from "./files.ts";
import { createIndexer } from "./indexer.ts";
import type { Say } from "./say.ts";
import type { SearchIndex } from "./search-index.ts";
import { createStats } from "./stats.ts";
import { createTour } from "./tour.ts";

export interface ServiceOptions {
  readonly disk: Disk;
  readonly rescanMs: number;
  readonly say: Say;
  /** Default the machine's clock. */
  readonly clock?: Clock | undefined;
}

export interface Service {
  readonly runtime: Lifecycle;
  readonly indexer: WorkerDefinition<SearchIndex>;
}

/** Creates the service; nothing starts. */
export function createService({ disk, rescanMs, say, clock }: ServiceOptions): Service {
  const files = createFiles({ disk, rescanMs, say });
  const indexer = createIndexer({ files, disk, concurrency: 8, say });
  const stats = createStats({ indexer, everyMs: 10_000, say });
  const runtime = createLifecycle({
    name: "docsearch",
    clock,
    workers: [files, indexer, stats],
    // Without its workers the service is of no use: better that it ends, and whoever runs it sees to that.
    defaults: { failurePolicy: "fail-runtime" },
  });
  return { runtime, indexer };
}

/** Once everything is indexed, lets one more worker show it around and then end the service. */
export async function tourWhenReady({ runtime, indexer }: Service, say: Say): Promise<void> {
  await runtime.whenReady();
  const tour = createTour({ indexer, say });
  runtime.register(tour);
  await runtime.start(tour);
}
