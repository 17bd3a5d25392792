// Runs the last process of a task in this terminal and ends as it ends.
import { spawn } from "node:child_process";
import { constants } from "node:os";

const windows = process.platform === "win32";
const leash = new URL("./leash.mjs", import.meta.url).href;

/** One Ctrl-C comes here twice, from the terminal and from npm: closer than this, they are one. */
const sameSignalMs = 250;

/** Runs a tool. The terminal's Ctrl-C reaches it directly, so only the other signals are passed on. */
export function runCommand(command, args, env) {
  const child = spawn(command, args, { env, stdio: "inherit", shell: windows });
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  onOrphaned(() => child.kill("SIGTERM"));
  return ending(child);
}

/**
 * Runs a service whose first signal begins an orderly shutdown and whose second ends it at once.
 * It stands in a process group of its own, so that every signal comes through here, once; and on a
 * leash, so that it does not outlive this process.
 */
export function runService(node, args, env) {
  const child = spawn(node, ["--import", leash, ...args], {
    env,
    stdio: "inherit",
    detached: !windows,
  });
  const passedAt = new Map();
  const pass = (signal) => {
    const now = performance.now();
    if (now - (passedAt.get(signal) ?? Number.NEGATIVE_INFINITY) < sameSignalMs) return;
    passedAt.set(signal, now);
    child.kill(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => pass(signal));
  onOrphaned(() => pass("SIGTERM"));
  return ending(child);
}

/** Calls back if npm, which started this process, is gone: a killed npm passes no signal on. */
function onOrphaned(callback) {
  if (process.env.npm_lifecycle_event === undefined || windows) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    callback();
  }, 500);
  watch.unref();
}

/** The exit code as a shell gives it: 128 and the signal's number where a signal ended the process. */
function ending(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`Cannot run ${child.spawnfile}: ${error.message}\n`);
      resolve(127);
    });
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
