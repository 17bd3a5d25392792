// What two texts do not have in common, line by line, for messages that a person reads.

/** The lines of both texts: `  ` for those in both, `- ` for what is missing, `+ ` for what was not expected. */
export function difference(expected: readonly string[], actual: readonly string[]): string[] {
  const common = commonLengths(expected, actual);
  const lines: string[] = [];
  let left = 0;
  let right = 0;
  while (left < expected.length || right < actual.length) {
    const missing = expected[left];
    const extra = actual[right];
    if (missing !== undefined && missing === extra) {
      lines.push(`  ${missing}`);
      left++;
      right++;
    } else if (
      extra === undefined ||
      (missing !== undefined && at(common, left + 1, right) >= at(common, left, right + 1))
    ) {
      lines.push(`- ${missing}`);
      left++;
    } else {
      lines.push(`+ ${extra}`);
      right++;
    }
  }
  return lines;
}

/** How many lines the rest of both texts have in common in order, from each pair of places on. */
function commonLengths(expected: readonly string[], actual: readonly string[]): number[][] {
  const lengths = Array.from({ length: expected.length + 1 }, () =>
    Array.from({ length: actual.length + 1 }, () => 0),
  );
  for (let left = expected.length - 1; left >= 0; left--) {
    const row = lengths[left] ?? [];
    for (let right = actual.length - 1; right >= 0; right--) {
      row[right] =
        expected[left] === actual[right]
          ? at(lengths, left + 1, right + 1) + 1
          : Math.max(at(lengths, left + 1, right), at(lengths, left, right + 1));
    }
  }
  return lengths;
}

function at(lengths: readonly (readonly number[])[], left: number, right: number): number {
  return lengths[left]?.[right] ?? 0;
}
