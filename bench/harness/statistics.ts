// Medians and quartiles: what a busy machine does to some samples does not move them.

export interface Spread {
  readonly median: number;
  /** A quarter of the values is smaller. */
  readonly lower: number;
  /** A quarter of the values is greater. */
  readonly upper: number;
}

export function quartiles(values: readonly number[]): Spread {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  return { median: at(sorted, 0.5), lower: at(sorted, 0.25), upper: at(sorted, 0.75) };
}

/** A figure that does not spread. */
export function exactly(value: number): Spread {
  return { median: value, lower: value, upper: value };
}

function at(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place % 1);
}
