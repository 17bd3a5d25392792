// The worker that finds changes: it looks at the disk when it starts, and then every now and then.

import {
  defineWorker,
  loop,
  type WorkerContext,
  type WorkerDefinition,
} from "@workerkit/lifecycle";
import { retry } from "@workerkit/retry";
import type { Changes } from "./changes.ts";
import type { Disk } from "./disk.ts";
import { FileList } from "./file-list.ts";
import { codeOf, patience } from "./patience.ts";
import { counted, listed, type Say } from "./say.ts";

export interface FilesOptions {
  readonly disk: Disk;
  /** How long to wait between two looks, in ms. */
  readonly rescanMs: number;
  readonly say: Say;
}

/** It runs once the first look has succeeded, and is ready while the last one has. */
export function createFiles({ disk, rescanMs, say }: FilesOptions): WorkerDefinition<FileList> {
  let unreadableSoFar: ReadonlyMap<string, unknown> = new Map();

  return defineWorker({
    name: "files",
    description: "Finds Markdown files, and what becomes of them",
    worker: loop({
      async onStart(ctx, call) {
        const list = new FileList();
        await look(list, ctx, call.signal);
        say("files", `found ${counted(list.files.size, "Markdown file")}`);
        return list;
      },
      async run(ctx) {
        while (!ctx.draining.aborted) {
          await ctx.sleep(rescanMs);
          try {
            // Half a look is worth nothing, so it ends when drain begins.
            tell(await look(ctx.state, ctx, ctx.draining));
            ctx.setReady(true);
          } catch (error) {
            if (ctx.draining.aborted) return;
            // What is known stays searchable, and the next look may succeed.
            if (ctx.status().ready) say("files", `cannot look for changes: ${codeOf(error)}`);
            ctx.setReady(false);
          }
        }
      },
    }),
  });

  async function look(
    list: FileList,
    { clock, random }: WorkerContext<unknown>,
    signal: AbortSignal,
  ): Promise<Changes> {
    const find = () => disk.find(signal);
    const { files, unreadable } = await retry(find, { policy: patience, signal, clock, random });
    for (const [name, error] of unreadable) {
      if (!unreadableSoFar.has(name)) say("files", `cannot read ${name}: ${codeOf(error)}`);
    }
    unreadableSoFar = unreadable;
    return list.update(files);
  }

  function tell({ added, changed, removed }: Changes): void {
    const parts = { new: added, changed, gone: removed };
    const text = Object.entries(parts)
      .filter(([, names]) => names.length > 0)
      .map(([what, names]) => `${what}: ${listed(names)}`);
    if (text.length > 0) say("files", text.join("; "));
  }
}
