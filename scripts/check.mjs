// Runs every check that is not a test: one line each, and the full log of what fails.
// Arguments name the checks to run; none means all. Writes how many passed to WK_COUNTS, if set.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const node = process.execPath;
const checks = {
  lint: ["biome", "check", "--diagnostic-level=warn", "--error-on-warnings"],
  types: ["tsc", "-p", "tsconfig.json"],
  graph: [node, "scripts/graph.mjs"],
  unused: ["knip"],
  build: ["turbo", "run", "build", "--output-logs=errors-only"],
  api: [node, "scripts/api.mjs"],
  packages: [node, "scripts/packages.mjs"],
  size: [node, "scripts/size.mjs"],
  consumers: [node, "scripts/consumers.mjs"],
};

/** Checks that read `dist`, and so say nothing where the build failed. */
const ofBuild = ["api", "packages", "size", "consumers"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !checks[name]);
if (unknown.length > 0) {
  console.error(`No check "${unknown.join('", "')}". Checks: ${Object.keys(checks).join(", ")}.`);
  process.exit(2);
}

let built = true;
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const [name, [command, ...args]] of Object.entries(checks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  if (!built && ofBuild.includes(name)) {
    counts.skipped += 1;
    console.log(`skip ${name} (the build failed)`);
    continue;
  }
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    shell: process.platform === "win32",
    maxBuffer: 1 << 26,
  });
  const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  counts[status === 0 ? "passed" : "failed"] += 1;
  if (name === "build") built = status === 0;
  console.log(`${status === 0 ? "pass" : "FAIL"} ${name} (${took})`);
  if (status !== 0) console.log(`${stdout}${stderr}${error ?? ""}`);
}
if (process.env.WK_COUNTS) writeFileSync(process.env.WK_COUNTS, JSON.stringify(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
