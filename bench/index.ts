// Runs the benches named on the command line, or all: each in a process of its own, so that none inherits another's heap.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Goal, goalLine } from "./harness/print.ts";

const folder = import.meta.dirname;
const benches = readdirSync(folder)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.slice(0, -".bench.ts".length))
  .sort();

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benches.includes(name));
if (unknown.length > 0) {
  console.error(`No bench "${unknown.join('", "')}". Benches: ${benches.join(", ")}.`);
  process.exit(2);
}

const [cpu] = cpus();
console.log(`Node ${process.versions.node}, ${cpus().length} cores, ${cpu?.model ?? "unknown"}`);
const goals: Goal[] = [];
for (const name of asked.length > 0 ? asked : benches) {
  console.log(`\n# ${name}`);
  const node = [...process.execArgv, "--expose-gc"];
  const child = spawn(process.execPath, [...node, join(folder, `${name}.bench.ts`)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  child.on("message", (goal: Goal) => goals.push(goal));
  const [code] = await once(child, "close");
  if (code !== 0) {
    console.error(`The bench ${name} ended with ${code}.`);
    process.exitCode = 1;
  }
}
if (asked.length !== 1) {
  console.log(`\n# Must reach\n\n${goals.map(goalLine).join("\n")}`);
}
