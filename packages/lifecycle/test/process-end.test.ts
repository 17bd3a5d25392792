// Real processes: whether one stays, ends and speaks is what these are about. Each waits some tens of real ms.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, and sends it SIGTERM when it says "now". */
function run(program: string): Promise<Ended> {
  const args = [...node, "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { cwd: folder });
  const heard = { stdout: "", stderr: "" };
  let told = false;
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      heard[name] += text;
      // Once only: a second signal ends a process at once.
      if (told || !heard.stdout.endsWith("now\n")) return;
      told = true;
      child.kill("SIGTERM");
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...heard }));
  });
}

const LIMIT = { timeout: 60_000 };

describe("a process under runUntilSignal", () => {
  it(
    "H8 stays until the signal comes, although nothing but an idle worker is there",
    LIMIT,
    async () => {
      const { code, stdout, stderr } = await run(`
      import { createLifecycle, defineWorker, runUntilSignal } from "@workerkit/lifecycle";
      const idle = defineWorker({
        name: "idle",
        worker: { start: () => {}, stop: () => console.log("stopped") },
      });
      // Long enough for a process that nothing holds to have ended.
      setTimeout(() => console.log("now"), 100).unref();
      await runUntilSignal(createLifecycle({ name: "shop", workers: [idle] }));
    `);
      expect(stdout).toBe("now\nstopped\n");
      expect(stderr).toMatch(/^shop: SIGTERM, shut down in \d+ ms\n$/);
      expect(code).toBe(0);
    },
  );

  it("H8 ends cleanly when the signal comes while the workers start", LIMIT, async () => {
    const { code, stdout, stderr } = await run(`
      import { createLifecycle, defineWorker, runUntilSignal } from "@workerkit/lifecycle";
      const slow = defineWorker({
        name: "slow",
        worker: {
          start: (ctx, { signal }) => new Promise((resolve) => {
            signal.addEventListener("abort", resolve);
            console.log("now");
          }),
          stop: () => console.log("stopped"),
        },
      });
      const { workers } = await runUntilSignal(createLifecycle({ name: "shop", workers: [slow] }));
      console.log(workers[0].worker, workers[0].outcome);
    `);
    expect(stderr).toMatch(/^shop: SIGTERM, shut down in \d+ ms\n$/);
    expect(stdout).toBe("now\nstopped\nslow stopped\n");
    expect(code).toBe(0);
  });

  it("H8 says which worker died while the process goes on", LIMIT, async () => {
    const { code, stderr } = await run(`
      import { createLifecycle, defineWorker, runUntilSignal } from "@workerkit/lifecycle";
      const feed = defineWorker({
        name: "feed",
        worker: {
          start({ reportFailure }) {
            setTimeout(() => {
              reportFailure(new Error("connection lost"));
              setImmediate(() => console.log("now"));
            }, 10);
          },
          stop: () => {},
        },
      });
      await runUntilSignal(createLifecycle({ name: "shop", workers: [feed] }));
    `);
    const [first, ...rest] = stderr.trimEnd().split("\n");
    expect(first).toBe("shop: worker feed failed: Error: connection lost");
    expect(rest.at(-1)).toMatch(/^shop: SIGTERM, shut down in \d+ ms$/);
    expect(code).toBe(0);
  });
});
