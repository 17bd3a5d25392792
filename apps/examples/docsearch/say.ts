// How the service speaks: one line at a time, with the time of day, who speaks, and what there is to say.

import type { Clock } from "@workerkit/contracts";

/** Says something in the name of a worker, or of the service. */
export type Say = (who: string, what: string) => void;

/** Writes aligned lines; the time of day is `clock`'s, in the time zone of the machine. */
export function sayTo(write: (line: string) => void, clock: Pick<Clock, "now">): Say {
  return (who, what) => {
    const time = new Date(clock.now()).toTimeString().slice(0, 8);
    write(`${time}  ${who.padEnd(WIDTH)}${what}`);
  };
}

/** The longest name, "docsearch", and room after it. */
const WIDTH = 11;

/** A number of things: "1 file", "1,200 files". */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString("en-US")} ${thing}${count === 1 ? "" : "s"}`;
}

/** How large an index is. */
export function sizeOf({
  documents,
  words,
}: {
  readonly documents: number;
  readonly words: number;
}): string {
  return `${counted(documents, "document")}, ${counted(words, "different word")}`;
}

/** A name for people: where a package is installed says less than its name and version. */
export function shown(name: string): string {
  return name
    .replace(/^.*\/?node_modules\/\.pnpm\/([^/]+)\/node_modules\/.*\//, "$1/")
    .replace(/^.*node_modules\//, "");
}

/** Names for people: the first three, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).map(shown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
