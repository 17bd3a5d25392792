// Finds the Markdown files under a folder: all of its own, and the README of each package installed in it.

import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { mapConcurrent } from "@workerkit/limits";
import type { Snapshot } from "./changes.ts";
import { codeOf, isTemporary } from "./patience.ts";

/** What a look at a folder found. */
export interface Found {
  /** The files, by their path under the folder. */
  readonly files: Snapshot;
  /** What could not be read, by its path, and why. */
  readonly unreadable: ReadonlyMap<string, unknown>;
}

/**
 * Looks through `root`, which must be a real path. Links are followed; whatever many paths lead to is met once, as its real path.
 * Throws if `root` itself cannot be read or an error is temporary, for then nothing is known of the files.
 */
export async function findMarkdown(root: string, signal: AbortSignal): Promise<Found> {
  const walk = new Walk(root);
  let places: readonly Place[] = [{ kind: "folder", path: root }];
  while (places.length > 0) {
    const look = (place: Place) => walk.look(place);
    places = (await mapConcurrent(places, look, { concurrency: 8, signal })).flat();
  }
  const byName = [...walk.files].sort(([a], [b]) => (a < b ? -1 : 1));
  return { files: new Map(byName), unreadable: walk.unreadable };
}

type Kind = "folder" | "modules" | "package" | "store" | "stored" | "stored-modules";

interface Place {
  readonly kind: Kind;
  readonly path: string;
}

/** What is wanted of each kind of place, by the names of its entries: files, and other places. */
const WANTED: Readonly<Record<Kind, (name: string) => Kind | "file" | undefined>> = {
  folder(name) {
    if (/\.(md|markdown)$/i.test(name)) return "file";
    if (name === "node_modules") return "modules";
    return name.startsWith(".") ? undefined : "folder";
  },
  modules(name) {
    if (name === ".pnpm") return "store";
    if (name.startsWith("@")) return "modules"; // a scope, which holds packages as modules do
    return name.startsWith(".") ? undefined : "package";
  },
  package(name) {
    if (/^readme(\..+)?\.(md|markdown)$/i.test(name)) return "file";
    return name === "node_modules" ? "modules" : undefined;
  },
  // pnpm installs each package once, at node_modules/.pnpm/name@version/node_modules/name, with links to what it needs beside it.
  store: () => "stored",
  stored: (name) => (name === "node_modules" ? "stored-modules" : undefined),
  "stored-modules": (name) => (name.startsWith("@") ? "stored-modules" : "package"),
};

class Walk {
  readonly files = new Map<string, string>();
  readonly unreadable = new Map<string, unknown>();
  readonly #root: string;
  readonly #seen = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Notes the files of one place, and returns the places that it leads to. */
  async look({ kind, path }: Place): Promise<readonly Place[]> {
    const entries = await this.#try(path, () => readdir(path, { withFileTypes: true }));
    const places: Place[] = [];
    for (const entry of entries ?? []) {
      const wanted = WANTED[kind](entry.name);
      // In the store every link leads to a neighbour, who is met there.
      if (wanted === undefined || (kind === "stored-modules" && entry.isSymbolicLink())) continue;
      const next = join(path, entry.name);
      const target = await this.#try(next, () => follow(next, entry));
      if (target === undefined || this.#met(wanted, target.path)) continue;
      if (wanted === "file" && target.isFile) await this.#note(target.path);
      if (wanted !== "file" && target.isFolder) places.push({ kind: wanted, path: target.path });
    }
    return places;
  }

  async #note(path: string): Promise<void> {
    const found = await this.#try(path, () => stat(path));
    // The time of any change moves with the content, and when a file becomes readable.
    if (found !== undefined) this.files.set(this.#name(path), `${found.ctimeMs} ${found.size}`);
  }

  #met(as: string, path: string): boolean {
    const { size } = this.#seen;
    return this.#seen.add(`${as} ${path}`).size === size;
  }

  /** The result of an operation; undefined where there is nothing, or nothing that can be read. */
  async #try<Result>(path: string, operation: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await operation();
    } catch (error) {
      if (path === this.#root || isTemporary(error)) throw error;
      // Gone since its folder was read, or a link that leads nowhere.
      if (codeOf(error) !== "ENOENT") this.unreadable.set(this.#name(path), error);
      return undefined;
    }
  }

  #name(path: string): string {
    return relative(this.#root, path).split(sep).join("/");
  }
}

/** Where an entry really is, and what. */
async function follow(path: string, entry: Dirent) {
  if (!entry.isSymbolicLink()) {
    return { path, isFile: entry.isFile(), isFolder: entry.isDirectory() };
  }
  const target = await realpath(path);
  const found = await stat(target);
  return { path: target, isFile: found.isFile(), isFolder: found.isDirectory() };
}
