// The service as a process of its own, whose lines a test can wait for.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../index.ts", import.meta.url));
const condition = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source"];

export interface RunOptions {
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** JavaScript to run before the service is loaded. */
  readonly before?: string | undefined;
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All that it said, without the time of day. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

export class RunningService implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #lines: string[] = [];
  readonly #onLine = new Set<() => void>();
  #rest = "";
  #stderr = "";

  constructor({ args = [], env = {}, before }: RunOptions = {}) {
    const preload =
      before === undefined ? [] : [`--import=data:text/javascript,${encodeURIComponent(before)}`];
    const node = [...preload, "--import=tsx", ...condition, program, ...args];
    // Not what this test's own environment happens to hold.
    const { DOCS_DIR, RESCAN_MS, ...inherited } = process.env;
    this.child = spawn(process.execPath, node, { env: { ...inherited, ...env } });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) => {
        resolve({ code, signal, lines: this.#lines, stderr: this.#stderr });
        for (const heard of this.#onLine) heard();
      });
    });
  }

  /** The first line, of those said already or later, that holds a text; rejects if the process ends before it. */
  async line(text: string): Promise<string> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    for (;;) {
      const line = this.#lines.find((said) => said.includes(text));
      if (line !== undefined) return line;
      if (over)
        throw new Error(`it never said "${text}":\n${[...this.#lines, this.#stderr].join("\n")}`);
      await new Promise<void>((resolve) => this.#onLine.add(resolve));
    }
  }

  /** Leaves no process behind where a test fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  #hear(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    this.#lines.push(...parts.map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, "")));
    for (const heard of this.#onLine) heard();
    this.#onLine.clear();
  }
}
