// What a bench prints: Markdown tables, aligned so that they read well in a terminal too, and a line for each figure that must hold.
import type { Measurement } from "./measure.ts";
import type { Spread } from "./statistics.ts";

/** A figure that must hold, as the bench found it. */
export interface Goal {
  readonly text: string;
  readonly reached: boolean;
}

export function heading(text: string): void {
  console.log(`\n## ${text}\n`);
}

/** Prints the medians of a measurement, a table for each step, beside the ratio to its first contender. */
export function printMeasurement(measurement: Measurement, operation: string): void {
  const [base] = measurement.contenders;
  if (base === undefined) return;
  for (const step of measurement.steps) {
    const rows = measurement.contenders.flatMap(({ name }) => {
      const figures = measurement.figures(name, step);
      if (figures === undefined) return [];
      const ratio = measurement.ratio(name, base.name, step);
      return [[name, time(figures.cpuNs), time(figures.wallNs), spread(ratio)]];
    });
    const what = measurement.steps.length > 1 ? `${step}, per ${operation}` : `per ${operation}`;
    table([what, "CPU", "wall", `times ${base.name} (quartiles)`], rows);
  }
}

/** Prints a table; all columns but the first are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((text, column) =>
    Math.max(text.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  console.log([line(head), `| ${rule.join(" | ")} |`, ...rows.map(line), ""].join("\n"));
}

/** Prints whether a ratio stays within `most`. */
export function mustBeAtMost(text: string, { median }: Spread, most: number, unit = "x"): void {
  goal(`${text}: ${rounded(median)} ${unit} (at most ${most} ${unit})`, median <= most);
}

/** Prints whether a ratio reaches `least`. */
export function mustBeAtLeast(text: string, { median }: Spread, least: number, unit = "x"): void {
  goal(`${text}: ${rounded(median)} ${unit} (at least ${least} ${unit})`, median >= least);
}

export function goalLine({ text, reached }: Goal): string {
  return `${reached ? "ok  " : "OVER"} ${text}`;
}

/** A duration given in ns, in the unit that suits it. */
export function time(ns: number): string {
  if (ns < 1_000) return `${rounded(ns)} ns`;
  if (ns < 1_000_000) return `${rounded(ns / 1_000)} us`;
  return `${rounded(ns / 1_000_000)} ms`;
}

function goal(text: string, reached: boolean): void {
  console.log(goalLine({ text, reached }));
  // To the parent process that sums up, where there is one.
  process.send?.({ text, reached } satisfies Goal);
}

function spread({ median, lower, upper }: Spread): string {
  return `${rounded(median)} (${rounded(lower)}-${rounded(upper)})`;
}

/** Three digits that count. */
function rounded(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(2, digits));
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
