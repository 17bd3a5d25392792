// A program of its own process, for what only a real process can show: signals, exit codes, closed outputs.

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the program told by `tell`, line by line. */
  readonly told: readonly string[];
  /** Real ms from the first line told to the end. */
  readonly tookMs: number;
}

export interface Child {
  readonly process: ChildProcess;
  /** Resolves when the program tells this line. */
  told(line: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

const folder = fileURLToPath(new URL("../..", import.meta.url));
const source = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

// It tells on a pipe of its own, so that it can do so when its outputs are closed.
const PRELUDE = `
  import { writeSync } from "node:fs";
  import { createLifecycle, defineWorker, runUntilSignal } from "@workerkit/lifecycle";
  const tell = (line) => writeSync(3, line + "\\n");
  const worker = (name, { start = () => {}, drain, stop = () => {}, ...options } = {}) =>
    defineWorker({ name, worker: { start, drain, stop }, ...options });
  const never = () => new Promise(() => {});
  const shop = (...workers) => createLifecycle({ name: "shop", workers });
`;

/** Starts a program that has `tell`, `worker`, `never`, `shop` and `runUntilSignal`. */
export function startProgram(program: string, env: Readonly<Record<string, string>> = {}): Child {
  const args = [...source, "--input-type=module", "--eval", PRELUDE + program];
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  let firstToldAt: number | undefined;
  const heard = { stdout: "", stderr: "" };
  for (const output of ["stdout", "stderr"] as const) {
    child[output]?.setEncoding("utf8").on("data", (text: string) => {
      heard[output] += text;
    });
  }
  let rest = "";
  (child.stdio[3] as Readable).setEncoding("utf8").on("data", (text: string) => {
    firstToldAt ??= performance.now();
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) {
      lines.push(line);
      waiting.get(line)?.();
    }
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const tookMs = performance.now() - (firstToldAt ?? performance.now());
      resolve({ code, signal, ...heard, told: lines, tookMs });
    });
  });
  return {
    process: child,
    told: (line) =>
      new Promise((resolve, reject) => {
        if (lines.includes(line)) return resolve();
        waiting.set(line, resolve);
        void ended.then(({ stderr }) =>
          reject(new Error(`it ended without telling ${line}: ${stderr}`)),
        );
      }),
    ended,
  };
}
