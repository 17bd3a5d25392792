// Where the documents come from: all that the workers know of a disk, and the folder that stands behind it in the service.

import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type Found, findMarkdown } from "./find-markdown.ts";

/** A place with documents; both calls end early when their signal aborts. */
export interface Disk {
  find(signal: AbortSignal): Promise<Found>;
  read(name: string, signal: AbortSignal): Promise<string>;
}

/** The Markdown files of a folder, and the READMEs of the packages installed in it. */
export function markdownFolder(folder: string): Disk {
  let root = folder;
  return {
    async find(signal) {
      root = await realpath(folder);
      return findMarkdown(root, signal);
    },
    read: (name, signal) => readFile(join(root, name), { encoding: "utf8", signal }),
  };
}
