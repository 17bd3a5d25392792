// A disk in memory, whose files a test writes, and whose calls it can hold up or let fail.

import type { Disk } from "../disk.ts";
import type { Found } from "../find-markdown.ts";

export class MemoryDisk implements Disk {
  /** The names of all reads, in the order of their beginning. */
  readonly reads: string[] = [];
  /** Reads that have begun and not ended, and the most there ever were. */
  reading = 0;
  mostReading = 0;
  /** What a look, or a read, does before it succeeds. */
  onFind: () => unknown = () => {};
  onRead: (name: string, signal: AbortSignal) => unknown = () => {};
  readonly #files = new Map<string, { readonly text: string; readonly version: number }>();
  #version = 0;

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    this.#files.set(name, { text, version: this.#version++ });
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  async find(): Promise<Found> {
    await this.onFind();
    const files = [...this.#files].map(([name, { version }]) => [name, String(version)] as const);
    return { files: new Map(files), unreadable: new Map() };
  }

  async read(name: string, signal: AbortSignal): Promise<string> {
    this.reads.push(name);
    this.reading += 1;
    this.mostReading = Math.max(this.mostReading, this.reading);
    try {
      await this.onRead(name, signal);
      const file = this.#files.get(name);
      if (file === undefined) throw systemError("ENOENT");
      return file.text;
    } finally {
      this.reading -= 1;
    }
  }
}

/** An error as the file system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something is wrong with the disk`), { code });
}
