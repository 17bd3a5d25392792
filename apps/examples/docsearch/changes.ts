// What became of a set of files between two looks at it.

/** The files there are, by name, each with a fingerprint that changes when the file does. */
export type Snapshot = ReadonlyMap<string, string>;

/** Names of files, as one who knew the older snapshot must learn of them. */
export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Compares two snapshots; the names stand in the order of the newer one. */
export function changesBetween(before: Snapshot, after: Snapshot): Changes {
  const names = [...after.keys()];
  return {
    added: names.filter((name) => !before.has(name)),
    changed: names.filter((name) => before.has(name) && before.get(name) !== after.get(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  };
}
