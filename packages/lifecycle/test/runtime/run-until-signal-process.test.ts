// In processes of their own, on real time: signals, exit codes, uncaught errors and closed outputs are what this is about.
// They run side by side; each takes as long as Node takes to start, and two wait for the second of H7.

import { describe, expect, it } from "vitest";
import { startProgram } from "./child.ts";

const PATIENCE = { timeout: 60_000 };

/** The first line of each entry of a log: the lines of stacks begin with blanks. */
const linesOf = (text: string) => text.split("\n").filter((line) => /^\S/.test(line));

const WAITS = `
  tell("up");
  await runUntilSignal(runtime);
  tell("resolved");
`;

describe.concurrent("a process under runUntilSignal", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "H8 ends cleanly at %s: exit code 0, one line",
    PATIENCE,
    async (name) => {
      const child = startProgram(`
      const db = worker("db", { stop: () => tell("db stopped") });
      const runtime = shop(db, worker("api", { dependsOn: [db], stop: () => tell("api stopped") }));
      runtime.whenReady().then(() => tell("ready"));
      ${WAITS}
    `);
      await child.told("ready");
      child.process.kill(name);
      const { code, stdout, stderr, told } = await child.ended;
      expect(told).toEqual(["up", "ready", "api stopped", "db stopped", "resolved"]);
      expect(stderr).toMatch(new RegExp(`^shop: ${name}, shut down in \\d+ ms\\n$`));
      expect(stdout).toBe("");
      expect(code).toBe(0);
    },
  );

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "H7 a second signal, %s, ends it at once with exit code %d",
    PATIENCE,
    async (name, exitCode) => {
      const child = startProgram(`
      const runtime = shop(worker("w", { stop: () => [tell("stopping"), never()][1] }));
      runtime.whenReady().then(() => tell("ready"));
      ${WAITS}
    `);
      await child.told("ready");
      child.process.kill("SIGTERM");
      await child.told("stopping");
      child.process.kill(name);
      const { code, stderr, told, tookMs } = await child.ended;
      expect(code).toBe(exitCode);
      expect(told).not.toContain("resolved");
      expect(stderr).toBe(`shop: ${name} again, exits at once\n`);
      expect(tookMs).toBeLessThan(10_000); // the shutdown would have taken 20 000
    },
  );

  it(
    "H7 a start that fails: exit code 1, and the process ends with the cause",
    PATIENCE,
    async () => {
      const child = startProgram(`
      const runtime = shop(worker("db", { stop: () => tell("db stopped") }), worker("api", {
        start: () => Promise.reject(new Error("no port")),
      }));
      ${WAITS}
    `);
      const { code, stderr, told } = await child.ended;
      expect(told).toEqual(["up", "db stopped"]);
      expect(linesOf(stderr).slice(0, 2)).toEqual([
        "shop: worker api failed: Error: no port",
        expect.stringMatching(/^shop: the start failed, failed in \d+ ms$/),
      ]);
      // Node's own word on the rejection that nobody caught.
      expect(stderr).toContain("\nError: no port\n");
      expect(code).toBe(1);
    },
  );

  it(
    "H7 an uncaught exception: logged, all workers shut down, exit code 1, rejected with it",
    PATIENCE,
    async () => {
      const child = startProgram(`
      const runtime = shop(worker("w", { stop: () => tell("stopped") }));
      runtime.whenReady().then(() => setTimeout(() => { throw new Error("stray"); }));
      await runUntilSignal(runtime).catch((error) => tell(error.message));
    `);
      const { code, stderr, told } = await child.ended;
      expect(told).toEqual(["stopped", "stray"]);
      expect(linesOf(stderr)).toEqual([
        "shop: an uncaught exception: Error: stray",
        expect.stringMatching(/^shop: an uncaught exception, failed in \d+ ms$/),
      ]);
      expect(code).toBe(1);
    },
  );

  it("H7 an unhandled rejection, of what is no Error too: the same", PATIENCE, async () => {
    const child = startProgram(`
      const runtime = shop(worker("w", { stop: () => tell("stopped") }));
      runtime.whenReady().then(() => { Promise.reject("stray"); });
      await runUntilSignal(runtime).catch((error) => tell(error));
    `);
    const { code, stderr, told } = await child.ended;
    expect(told).toEqual(["stopped", "stray"]);
    expect(linesOf(stderr)[0]).toMatch(/^shop: an unhandled rejection: Error: Thrown: /);
    expect(code).toBe(1);
  });

  it(
    "C6 H7 a panic of a worker that crashes on one: it is named, the others shut down, exit code 1",
    PATIENCE,
    async () => {
      const child = startProgram(`
      const buggy = worker("buggy", {
        panicPolicy: "crash",
        start: ({ reportFailure }) => { setTimeout(() => reportFailure(new ReferenceError("x is not defined")), 20); },
      });
      const runtime = shop(buggy, worker("other", { stop: () => tell("other stopped") }));
      await runUntilSignal(runtime).catch((error) => tell(error.name));
    `);
      const { code, stderr, told } = await child.ended;
      expect(told).toEqual(["other stopped", "ReferenceError"]);
      expect(stderr).toContain(
        "shop: an uncaught exception of worker buggy: ReferenceError: x is not defined",
      );
      expect(code).toBe(1);
    },
  );

  it(
    "H7 what still holds the process a second later is named, and the process exits with the same code",
    PATIENCE,
    async () => {
      const child = startProgram(`
      import { createServer } from "node:net";
      const runtime = shop(worker("w", { start: ({ requestShutdown }) => { setTimeout(requestShutdown, 10, "done"); } }));
      createServer().listen(0);
      await runUntilSignal(runtime);
      tell("resolved");
    `);
      const { code, stderr } = await child.ended;
      expect(linesOf(stderr)).toEqual([
        expect.stringMatching(/^shop: worker w: done, shut down in \d+ ms$/),
        expect.stringMatching(/^shop: still held by TCPServerWrap, exits$/),
      ]);
      expect(code).toBe(0);
    },
  );

  it("H7 a timer that holds the process is named too", PATIENCE, async () => {
    const child = startProgram(`
      const runtime = shop(worker("w", { start: ({ requestShutdown }) => { setTimeout(requestShutdown, 10, "done"); } }));
      setInterval(() => {}, 1_000);
      await runUntilSignal(runtime);
    `);
    const { code, stderr } = await child.ended;
    expect(linesOf(stderr)[1]).toBe("shop: still held by a timer, exits");
    expect(code).toBe(0);
  });

  it(
    "H7 nothing is said, and nothing waits, when nothing holds the process",
    PATIENCE,
    async () => {
      const child = startProgram(`
      const runtime = shop(worker("w", { start: ({ requestShutdown }) => { setTimeout(requestShutdown, 10, "done"); } }));
      await runUntilSignal(runtime);
      tell("resolved");
    `);
      const { code, stderr } = await child.ended;
      expect(linesOf(stderr)).toHaveLength(1);
      expect(code).toBe(0);
    },
  );

  it.each(["stdout", "stderr"] as const)(
    "H7 goes on, and ends cleanly, when nobody reads its %s any more",
    PATIENCE,
    async (output) => {
      const child = startProgram(`
      const runtime = shop(worker("w", {
        start: () => { setInterval(() => process.${output}.write("x".repeat(100_000)), 5).unref(); },
        stop: () => tell("stopped"),
      }), worker("fails", {
        start: ({ reportFailure }) => { setTimeout(() => reportFailure(new Error("lost")), 50); },
      }));
      runtime.events.on("worker:failure", () => setTimeout(() => tell("now"), 200));
      ${WAITS}
    `);
      child.process[output]?.destroy();
      await child.told("now");
      child.process.kill("SIGTERM");
      const { code, signal, told } = await child.ended;
      expect(told).toEqual(["up", "now", "stopped", "resolved"]);
      expect({ code, signal }).toEqual({ code: 0, signal: null });
    },
  );

  it("H7 takes back every listener on the process, whatever ended it", PATIENCE, async () => {
    const child = startProgram(`
      const names = ["SIGTERM", "SIGINT", "uncaughtException", "unhandledRejection", "exit", "beforeExit"];
      const count = () => names.map((name) => process.listenerCount(name)).join(" ");
      const before = count();
      const ends = [(runtime) => process.kill(process.pid, "SIGTERM"), (runtime) => runtime.shutdown()];
      for (const end of ends) {
        const runtime = shop(worker("w"));
        const running = runUntilSignal(runtime);
        await runtime.whenReady();
        if (count() === before) tell("no listener while it runs");
        end(runtime);
        await running;
      }
      const failing = shop(worker("w", { start: () => Promise.reject(new Error("no")) }));
      await runUntilSignal(failing).catch(() => tell("rejected"));
      tell(count() === before ? "none left" : count() + " instead of " + before);
      process.exitCode = 0;
    `);
    const { code, told } = await child.ended;
    expect(told).toEqual(["rejected", "none left"]);
    expect(code).toBe(0);
  });

  it("prints no event and no payload with DEBUG=*", PATIENCE, async () => {
    const child = startProgram(
      `
      const runtime = shop(worker("w", { start: ({ requestShutdown }) => { setTimeout(requestShutdown, 10, "done"); } }));
      runtime.events.onAny((name) => { if (name === "runtime:readiness") tell("heard"); });
      await runUntilSignal(runtime, { log: () => {} });
    `,
      { DEBUG: "*" },
    );
    const { code, stdout, stderr, told } = await child.ended;
    expect(told).toEqual(["heard", "heard"]);
    expect([stdout, stderr]).toEqual(["", ""]);
    expect(code).toBe(0);
  });
});
