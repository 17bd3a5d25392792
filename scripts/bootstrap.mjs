// Runs one task of the repository, from a fresh clone on: fetches the pinned pnpm, installs what the
// lockfile names, then starts the task. Needs Node and npm only.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand, runService } from "./supervise.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const node = process.execPath;
const windows = process.platform === "win32";
const fromSource = ["--import", "tsx", "--conditions=@workerkit/source"];

/** What each task runs once the repository is set up; arguments of the caller are added at the end. */
const tasks = {
  start: { command: [node, ...fromSource, "apps/examples/docsearch/index.ts"], service: true },
  test: { command: ["vitest", "run"] },
  build: { command: ["turbo", "run", "build", "--output-logs=errors-only"] },
  lint: { command: ["biome", "check", "--diagnostic-level=warn", "--error-on-warnings"] },
  format: { command: ["biome", "check", "--write", "--diagnostic-level=warn"] },
  types: { command: ["tsc", "-p", "tsconfig.json"] },
  check: { command: [node, "scripts/check.mjs"] },
  api: { command: [node, "scripts/api.mjs", "--update"], built: true },
  simulate: { command: [node, ...fromSource, "scripts/simulate.mjs"] },
  bench: { command: [node, "--import", "tsx", "bench/index.ts"], built: true },
  changeset: { command: ["changeset"] },
  pnpm: { command: ["pnpm"], bare: true },
};

const [name, ...rest] = process.argv.slice(2);
const task = tasks[name];
if (!task) fail(`Unknown task "${name}". Tasks: ${Object.keys(tasks).join(", ")}.`);
requireNode(engines.node);
process.chdir(root);

const env = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  npm_config_update_notifier: "false",
};
if (!existsSync("node_modules")) process.stderr.write(`Installing with ${packageManager}\n`);
env.PATH = pathWithPnpm();
if (!task.bare) quietly("pnpm", ["install", "--frozen-lockfile"]);
if (task.built) quietly("turbo", ["run", "build", "--output-logs=errors-only"]);

const [command, ...fixed] = task.command;
const args = [...fixed, ...rest];
process.exitCode = await (task.service
  ? runService(command, args, env)
  : runCommand(command, args, env));

/** Stops with a sentence if this Node is older than the repository asks for. */
function requireNode(range) {
  const wanted = range.replace(">=", "").split(".").map(Number);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  fail(`Workerkit needs Node ${range}; this is Node ${process.versions.node} (${node}).`);
}

/** The PATH with the pinned pnpm and the repository's own tools in front: turbo calls pnpm by name. */
function pathWithPnpm() {
  const npx = ["--yes", "--prefer-offline", `--package=${packageManager}`, "--"];
  const path = quietly("npx", [...npx, "node", "-p", "process.env.PATH"]).trim();
  return [join(root, "node_modules", ".bin"), path].join(delimiter);
}

/** Runs a step of the set-up and returns what it printed, which is shown only if the step fails. */
function quietly(command, args) {
  const options = { cwd: root, encoding: "utf8", shell: windows, maxBuffer: 1 << 26 };
  // NODE_ENV=production would leave out the tools that the tasks run on.
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...options,
    env: { ...env, NODE_ENV: "development" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status === 0) return stdout;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  return fail(
    `Set-up failed at: ${command} ${args.join(" ")}${error ? ` (${error.message})` : ""}`,
  );
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return process.exit(1);
}
