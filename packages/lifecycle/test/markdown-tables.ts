// Reads the tables of a Markdown file, so that a test can hold them against the code.

/** The rows of the `place`th table under a heading, without its head; cells as they stand, without code marks. */
export function tableUnder(markdown: string, heading: string, place = 0): string[][] {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  const tables = section?.match(/(^\|.*\n)+/gm) ?? [];
  const [, , ...rows] = tables[place]?.trimEnd().split("\n") ?? [];
  if (rows.length === 0) throw new Error(`no table ${place} under ${heading}`);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.replaceAll("`", "").trim()),
  );
}

/** A value as the tables write defaults: `30 000`, `none`, `[]`. */
export function inTable(value: unknown): string {
  if (value === undefined) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : value.join(", ");
  if (typeof value === "number" && value >= 1_000 && Number.isFinite(value)) {
    return value.toLocaleString("en").replaceAll(",", " ");
  }
  return String(value);
}
