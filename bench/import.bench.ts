// How long a fresh process takes to import a package, beside the libraries that it stands on: no such time can be measured twice
// in one process, so each sample is a process of its own, and they take turns.
import { execFileSync } from "node:child_process";
import { heading, mustBeAtMost, table, time } from "./harness/print.ts";
import { quartiles, type Spread } from "./harness/statistics.ts";

const ROUNDS = 30;
const BASE = "the libraries of lifecycle";
// Resolved here, so that the name of one module more than another costs nothing.
const contenders: Readonly<Record<string, readonly string[]>> = {
  [BASE]: [
    "node:async_hooks",
    "node:crypto",
    import.meta.resolve("emittery"),
    import.meta.resolve("p-retry"),
    import.meta.resolve("p-limit"),
  ],
  "@workerkit/lifecycle": [import.meta.resolve("@workerkit/lifecycle")],
  "@workerkit/contracts": [import.meta.resolve("@workerkit/contracts")],
  "@workerkit/retry": [import.meta.resolve("@workerkit/retry")],
  "@workerkit/limits": [import.meta.resolve("@workerkit/limits")],
  avvio: [import.meta.resolve("avvio")],
  cockatiel: [import.meta.resolve("cockatiel")],
  Moleculer: [import.meta.resolve("moleculer")],
};

interface Sample {
  readonly cpuNs: number;
  readonly wallNs: number;
}

const samples = new Map<string, Sample[]>();
for (let round = -2; round < ROUNDS; round++) {
  for (const [name, imports] of Object.entries(contenders)) {
    const sample = importIn(imports);
    // The first rounds bring the files into the cache of the machine.
    if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
  }
}

heading("Import in a fresh process");
const bases = samples.get(BASE) ?? [];
const ratios = new Map<string, Spread>();
const rows = [...samples].map(([name, own]) => {
  const ratio = quartiles(
    own.map(({ cpuNs }, round) => cpuNs / (bases[round]?.cpuNs ?? Number.NaN)),
  );
  ratios.set(name, ratio);
  const cpu = quartiles(own.map(({ cpuNs }) => cpuNs));
  const wall = quartiles(own.map(({ wallNs }) => wallNs));
  return [name, time(cpu.median), time(wall.median), ratio.median.toFixed(2)];
});
table(["import", "CPU", "wall", `times ${BASE}`], rows);
const lifecycle = ratios.get("@workerkit/lifecycle");
if (lifecycle === undefined) throw new Error("lifecycle was not measured");
mustBeAtMost("import of @workerkit/lifecycle, times that of its libraries", lifecycle, 2);

/** Imports modules one after another in a process of its own, which knows no TypeScript. */
function importIn(imports: readonly string[]): Sample {
  const script = `
    const cpu = process.cpuUsage();
    const wall = process.hrtime.bigint();
    ${imports.map((name) => `await import(${JSON.stringify(name)});`).join("\n")}
    const wallNs = Number(process.hrtime.bigint() - wall);
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ cpuNs: (user + system) * 1000, wallNs }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return JSON.parse(output) as Sample;
}
