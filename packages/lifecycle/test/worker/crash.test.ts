// C6: `panicPolicy: "crash"` fails the worker, lets listeners hear of it, and throws the error outside any promise.
// Where it is thrown is seen in this process, on the fake clock; that the process ends with 1, in a process of its own.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Panic } from "@workerkit/contracts";
import { constant } from "@workerkit/retry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Hook, type RigOptions, rig } from "./rig.ts";

const never = new Panic("this must never happen");
const panic: Hook = () => {
  throw never;
};

describe("a panic under panicPolicy crash", () => {
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => uncaught.push(error);
  const others = process.listeners("uncaughtException");
  beforeEach(() => {
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", hear);
    uncaught.length = 0;
  });
  afterEach(() => {
    process.off("uncaughtException", hear);
    for (const listener of others) process.on("uncaughtException", listener);
  });

  const restart = { backoff: constant(0) };
  const CASES: readonly (readonly [string, string, RigOptions])[] = [
    ["start", "start", { start: panic, startRetry: { nextDelayMs: () => 0 } }],
    ["run", "run", {}],
    ["run, with a restart policy", "run", { restart }],
    ["drain", "drain", { drain: panic }],
    ["drain, taken over by a stop", "drain", { drain: panic }],
    ["stop", "stop", { stop: panic }],
    ["cleanup", "cleanup", { stop: panic, restart }],
    ["start, cleaning up", "stop", { stop: panic }],
  ];

  it.each(CASES)(
    "C6 in %s fails the worker and is thrown once its events were heard",
    async (name, phase, options) => {
      const r = rig({ panicPolicy: "crash", ...options });
      const log: unknown[] = [];
      r.runtime.events.on("worker:failure", async (event) => {
        if (!event.panic) return;
        log.push(event.phase, event.final, uncaught.length);
        await new Promise<void>((resolve) => void r.clock.setTimeout(resolve, 50));
        log.push("heard", uncaught.length);
      });
      r.runtime.start("w").catch(() => {});
      await r.clock.flush();
      if (phase === "run") r.context().reportFailure(never);
      if (name === "drain") r.runtime.drain("w").catch(() => {});
      if (name === "drain, taken over by a stop" || name === "stop")
        r.runtime.stop("w").catch(() => {});
      if (name === "cleanup" || name === "start, cleaning up")
        r.context().reportFailure(new Error("down"));
      if (name === "start, cleaning up") r.runtime.start("w").catch(() => {});
      await r.clock.advance(49);
      expect(log).toEqual([phase, true, 0]);
      expect(uncaught).toEqual([]);
      await r.clock.advance(1);
      await r.clock.flush();
      expect(uncaught).toEqual([never]);
      expect(log.slice(3)).toEqual(["heard", 0]);
      expect(r.events.some((event) => event.includes(" > failed ("))).toBe(true);
      await r.end();
    },
  );

  it("C6 reported while it stops is thrown too", async () => {
    const r = rig({ panicPolicy: "crash", stop: ({ reportFailure }) => reportFailure(never) });
    await r.runtime.start("w");
    await r.runtime.stop("w");
    await r.clock.flush();
    expect(uncaught).toEqual([never]);
    await r.end();
  });

  it("C6 waits no longer than a second for those who hear of it", async () => {
    const r = rig({ panicPolicy: "crash", start: panic });
    r.runtime.events.on("worker:failure", () => new Promise(() => {}));
    r.runtime.start("w").catch(() => {});
    await r.clock.advance(999);
    expect(uncaught).toEqual([]);
    await r.clock.advance(1);
    await r.clock.flush();
    expect(uncaught).toEqual([never]);
    await r.clock.settle(r.runtime.shutdown());
  });

  it("C6 is not what other failures get, nor panics whose policy is to recover", async () => {
    for (const [error, panicPolicy] of [
      [new Error("no"), "crash"],
      [never, "recover"],
    ] as const) {
      const r = rig({ panicPolicy });
      await r.runtime.start("w");
      r.context().reportFailure(error);
      await r.clock.advance(5_000);
      expect([r.state(), uncaught]).toEqual(["failed", []]);
      await r.end();
    }
  });
});

describe("the process", () => {
  it("C6 ends with 1, and says the error", { timeout: 30_000 }, async () => {
    const program = `
      import { Panic } from "@workerkit/contracts";
      import { createLifecycle, defineWorker } from "@workerkit/lifecycle";
      const start = () => { throw new Panic("this must never happen"); };
      const w = defineWorker({ name: "w", panicPolicy: "crash", worker: { start, stop: () => {} } });
      const runtime = createLifecycle({ name: "rt", workers: [w] });
      runtime.events.on("worker:failure", () => console.log(runtime.worker("w").state));
      setTimeout(() => console.log("still here"), 5_000);
      runtime.start("w").catch(() => console.log("told"));`;
    const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];
    const child = spawn(process.execPath, [...node, "--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    const code = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    expect(said.stdout.trim().split("\n").sort()).toEqual(["failed", "told"]);
    expect(said.stderr).toContain("Panic: this must never happen");
    expect(code).toBe(1);
  });
});
