// The worker that owns the index, and keeps it at what the `files` worker found.

import {
  defineWorker,
  loop,
  type WorkerContext,
  type WorkerDefinition,
} from "@workerkit/lifecycle";
import { mapConcurrent } from "@workerkit/limits";
import { retry } from "@workerkit/retry";
import { changesBetween, type Snapshot } from "./changes.ts";
import type { Disk } from "./disk.ts";
import type { FileList } from "./file-list.ts";
import { codeOf, patience } from "./patience.ts";
import { counted, type Say, shown, sizeOf } from "./say.ts";
import { SearchIndex } from "./search-index.ts";

export interface IndexerOptions {
  readonly files: WorkerDefinition<FileList>;
  readonly disk: Disk;
  /** How many files to read side by side. */
  readonly concurrency: number;
  readonly say: Say;
}

/** Its state is the index; it is ready once all files that there were at the start are in it. */
export function createIndexer(options: IndexerOptions): WorkerDefinition<SearchIndex> {
  const { files, disk, concurrency, say } = options;

  return defineWorker({
    name: "indexer",
    description: "Keeps a full-text index of the files",
    dependsOn: [files],
    worker: loop({
      autoReady: false,
      onStart: () => new SearchIndex(),
      async run(ctx) {
        const list = ctx.use(files);
        let indexed: Snapshot = new Map();
        while (!ctx.draining.aborted) {
          const found = list.files;
          await catchUp(ctx, indexed, found);
          indexed = found;
          ctx.setReady(true);
          if (list.files === found) await list.nextUpdate(ctx.draining);
        }
      },
      onStop: ({ state }) => {
        if (state !== undefined) say("indexer", `gives up an index of ${sizeOf(state)}`);
      },
    }),
  });

  /** Brings the index from one snapshot to another. Once drain begins no further file is begun; those begun are finished. */
  async function catchUp(ctx: WorkerContext<SearchIndex>, before: Snapshot, after: Snapshot) {
    const { added, changed, removed } = changesBetween(before, after);
    for (const name of removed) ctx.state.delete(name);
    const names = [...added, ...changed];
    if (names.length > 0) say("indexer", `indexes ${counted(names.length, "file")}`);
    const begunMs = ctx.clock.monotonicMs();
    const signal = ctx.draining;
    await mapConcurrent(names, (name) => indexFile(ctx, name), { concurrency, signal });
    if (names.length === 0 && removed.length === 0) return;
    const tookMs = Math.round(ctx.clock.monotonicMs() - begunMs);
    say("indexer", `is up to date in ${tookMs} ms: ${sizeOf(ctx.state)}`);
  }

  /** Indexes a file under a lease: what drain waits for, and what the report names if it had to be left behind. */
  async function indexFile(ctx: WorkerContext<SearchIndex>, name: string): Promise<void> {
    const lease = ctx.admit(`index ${name}`);
    if (lease === undefined) return;
    try {
      const markdown = await read(ctx, name, lease.signal);
      if (markdown === undefined) ctx.state.delete(name);
      else ctx.state.put(name, markdown);
    } finally {
      lease.release();
    }
  }

  /** Undefined if it cannot be read: one file is no reason to fail, it is left out until it changes. */
  async function read(
    { clock, random }: WorkerContext<SearchIndex>,
    name: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      const attempt = () => disk.read(name, signal);
      return await retry(attempt, { policy: patience, signal, clock, random });
    } catch (error) {
      say("indexer", `leaves out ${shown(name)}: ${codeOf(error)}`);
      return undefined;
    }
  }
}
