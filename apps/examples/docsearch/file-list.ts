// The files as they were at the last look: what the `files` worker has for the workers that depend on it.

import { EventEmitter, once } from "node:events";
import { type Changes, changesBetween, type Snapshot } from "./changes.ts";

/**
 * Whoever follows it keeps what it has seen and asks what became of it since. So a follower that starts anew, knowing nothing,
 * hears of every file, and one that is slow hears of each file once.
 */
export class FileList {
  readonly #updates = new EventEmitter();
  #files: Snapshot = new Map();

  get files(): Snapshot {
    return this.#files;
  }

  /** Takes the result of a look, and returns what it changed. */
  update(files: Snapshot): Changes {
    const changes = changesBetween(this.#files, files);
    this.#files = files;
    this.#updates.emit("update");
    return changes;
  }

  /** Resolves after the next look; rejects with an AbortError when the signal aborts. */
  async nextUpdate(signal: AbortSignal): Promise<void> {
    await once(this.#updates, "update", { signal });
  }
}
