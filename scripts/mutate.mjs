// Proves that the simulation has teeth: each of these mistakes, planted into a copy of the runtime, must break an invariant.
// node --import tsx --conditions=@workerkit/source scripts/mutate.mjs [number ...]
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** A file of packages/lifecycle/src, what stands there once, what stands there instead, and in words what goes wrong. */
const mutations = [
  [
    "worker/transition.ts",
    "    worker.lastFailure = undefined;\n",
    "",
    "a start keeps the last failure",
  ],
  [
    "worker/transition.ts",
    "  core.tally.moved(worker, from);\n",
    "",
    "the tally hears of no transition",
  ],
  [
    "worker/transition.ts",
    'if (to === "starting") worker.counted = true;',
    "",
    "a start does not count for readiness",
  ],
  [
    "worker/transition.ts",
    ' || to === "restarting" ||',
    " ||",
    "a restart does not end the generation",
  ],
  [
    "worker/transition.ts",
    "  tellFlags(worker, wasReady, wasAccepting);\n  core.refresh(worker.name, ready",
    "  core.refresh(worker.name, ready",
    "setReady tells nobody",
  ],
  [
    "worker/transition.ts",
    'to === "running" || to === "failed" || to === "stopped"',
    'to === "failed"',
    "who waits for a dependency is not told that it runs",
  ],
  [
    "runtime/tally.ts",
    '  if (inState.draining > 0) return "draining";\n',
    "",
    "a draining worker does not show in the runtime's state",
  ],
  ["runtime/tally.ts", "    !counts.closed", "    true", "a runtime that ends is still ready"],
  [
    "worker/generation.ts",
    "    worker.core.inFlight += 1;\n",
    "",
    "the runtime does not count admitted work",
  ],
  [
    "worker/lease.ts",
    '    else if (state === "abandoned") this.generation?.abandonedEnded();\n',
    "",
    "abandoned work that ends is still counted",
  ],
  [
    "runtime/core.ts",
    "    this.abandonedCode += 1;\n",
    "",
    "the runtime does not count abandoned code",
  ],
  [
    "worker/hook-run.ts",
    "    worker.strays.add(this);\n",
    "",
    "a start is allowed beside abandoned code",
  ],
  [
    "worker/hook-run.ts",
    "      worker.core.deadlines.clear(this);\n",
    "",
    "a hook that returned keeps its deadline",
  ],
  [
    "worker/hook-run.ts",
    "    this.owner.hookEnded(this);\n  }\n\n  #settle",
    "  }\n\n  #settle",
    "nobody hears that code was abandoned",
  ],
  [
    "worker/start.ts",
    "    this.#aborted = { reason };\n",
    "",
    "a start goes on after its caller has left",
  ],
  ["worker/start.ts", "    endGeneration(generation);\n", "", "a failed attempt is not fenced"],
  [
    "worker/start.ts",
    "askPolicy(startRetry, this.#attempt, error",
    "askPolicy(startRetry, this.#attempt - 1, error",
    "one attempt too many",
  ],
  ["worker/start.ts", "&& !isHopeless(failure);", ";", "a panic is retried"],
  [
    "worker/start.ts",
    "worker.core.deadlines.set(this.#delay, delayMs);",
    "worker.core.deadlines.set(this.#delay, 2 * delayMs);",
    "twice the delay",
  ],
  [
    "worker/start.ts",
    "  if (worker.dependencies?.every(",
    "  if (worker.name || worker.dependencies?.every(",
    "a start does not ask for its dependencies",
  ],
  [
    "worker/start.ts",
    "  if (worker.unregistered) {",
    '  if (worker.name === "") {',
    "a worker that has left the registry starts",
  ],
  [
    "runtime/caller.ts",
    "          reject(signal.reason);\n        });\n  return {",
    "        });\n  return {",
    "a caller who leaves is not told",
  ],
  [
    "runtime/caller.ts",
    "      ignore?.();\n      resolve();",
    "      resolve();",
    "a call that succeeds keeps its listener",
  ],
  [
    "worker/supervision.ts",
    "inWindow.length >= restart.maxRestarts",
    "inWindow.length > restart.maxRestarts",
    "one restart too many",
  ],
  [
    "worker/supervision.ts",
    "core.closing !== undefined || ",
    "",
    "restarts go on while all workers end",
  ],
  [
    "worker/restart.ts",
    "  if (generation.ended) return false;\n",
    "",
    "an ended generation can report a failure",
  ],
  [
    "worker/restart.ts",
    '    if (this.#stage === "backoff") this.#go();\n  }\n\n  /** The stop',
    "  }\n\n  /** The stop",
    "a stop waits out the backoff",
  ],
  [
    "worker/start.ts",
    "    previous.whenQuiet(() => {\n",
    "    void Promise.resolve().then(() => {\n",
    "a cleanup does not wait for the work of the generation",
  ],
  [
    "worker/context.ts",
    "  if (generation.ended) return false;\n  if (typeof claim",
    "  if (typeof claim",
    "an ended generation can set readiness",
  ],
  [
    "runtime/end-all.ts",
    "this.#levels = levelsOf(workers).reverse();",
    "this.#levels = levelsOf(workers);",
    "dependencies are stopped first",
  ],
  [
    "runtime/end-all.ts",
    "endByMs: now + shareMs,",
    "endByMs: now + 3 * shareMs,",
    "a level takes three times its share",
  ],
  [
    "runtime/end-all.ts",
    "graceMs: Math.min(own.graceMs, shareMs / 16),",
    "graceMs: own.graceMs,",
    "a grace takes no notice of the budget",
  ],
  [
    "runtime/end-all.ts",
    "needsStop(worker) && !this.#stays(worker)",
    "needsStop(worker)",
    "a rollback stops what others rely on",
  ],
  [
    "worker/stop.ts",
    "    if (stopHook !== undefined) {\n",
    "    if (stopHook === null) {\n",
    "two stop hooks overlap",
  ],
  [
    "worker/stop.ts",
    "    interruptWaiting(worker);\n    if (current instanceof",
    "    if (current instanceof",
    "a stop forgets who waited for a turn",
  ],
  [
    "worker/stop.ts",
    '      this.#code?.abort(() => generation.reason("stop"), graceMs);\n',
    "",
    "the cut does not end hooks",
  ],
  [
    "worker/stop.ts",
    "      this.worker.generation?.abandonLeases();\n",
    "",
    "work that outlives its grace is waited for",
  ],
  [
    "worker/operation.ts",
    "    for (const waiter of this.#take()) waiter.failed(error);\n",
    "    this.#take()[0]?.failed(error);\n",
    "only the first who waits hears of a failure",
  ],
  [
    "runtime/hub.ts",
    "        this.#clock.clearTimeout(timer);\n",
    "",
    "a flush leaves its timer behind",
  ],
  [
    "runtime/bulk.ts",
    "      core.deadlines.release();\n",
    "",
    "a shutdown leaves idle timers behind",
  ],
  [
    "runtime/bulk.ts",
    "    for (const operation of overtaken) operation.interrupt();\n",
    "",
    "the end of all workers forgets who waited for a turn",
  ],
  [
    "runtime/registry.ts",
    "  return dependants.length > 0 ?",
    "  return dependants.length > 9 ?",
    "a worker leaves the registry although others depend on it",
  ],
  [
    "runtime/one-worker.ts",
    "  if (list.length === 0) return;\n",
    "  return;\n",
    "a worker is stopped although others rely on it",
  ],
  [
    "runtime/wait.ts",
    "      stopTelling();\n    };",
    "    };",
    "a wait that is over goes on telling",
  ],
];

const asked = process.argv.slice(2).map(Number);
const copy = join(mkdtempSync(join(tmpdir(), "workerkit-mutants-")));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
const isSource = (path) => !/\/(dist|test|\.turbo)$/.test(path);
cpSync("packages", join(copy, "packages"), {
  recursive: true,
  verbatimSymlinks: true,
  filter: isSource,
});
symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
writeFileSync(join(copy, "package.json"), '{ "type": "module" }\n');
const program = `
  import { storm } from "${copy}/packages/testing/src/model/storm.ts";
  const options = { seed: 1, step: 1, storms: Infinity, operations: 50_000, operationsPerStorm: 100 };
  const { figures, broken } = await storm({ ...options, shorten: false });
  const { invariant, message } = broken?.outcome.violation ?? {};
  console.log(JSON.stringify({ operations: figures.operations, invariant, message }));
`;
let survived = 0;
for (const [index, [file, search, replacement, what]] of mutations.entries()) {
  const number = index + 1;
  if (asked.length > 0 && !asked.includes(number)) continue;
  const path = join(copy, "packages/lifecycle/src", file);
  const source = readFileSync(path, "utf8");
  if (source.split(search).length !== 2) {
    console.log(`| ${number} | ${what} | this mutation no longer fits ${file} |`);
    survived += 1;
    continue;
  }
  writeFileSync(
    path,
    source.replace(search, () => replacement),
  );
  const caught = judge();
  writeFileSync(path, source);
  if (caught === undefined) survived += 1;
  console.log(`| ${number} | \`${file}\`: ${what} | ${caught ?? "**survived**"} |`);
}
process.exitCode = survived > 0 ? 1 : 0;

/** What caught it, if anything did. */
function judge() {
  const args = [...process.execArgv, "--no-warnings", "--input-type=module", "-"];
  const run = spawnSync(process.execPath, args, {
    input: program,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (run.error !== undefined) return "it never ends";
  if (run.status !== 0)
    return `the process ends: ${run.stderr.split("\n").find((line) => /Error/.test(line))}`;
  const { operations, invariant, message } = JSON.parse(run.stdout);
  return invariant === undefined
    ? undefined
    : `${invariant} after ${operations} operations: ${message.split("\n")[0]}`;
}
