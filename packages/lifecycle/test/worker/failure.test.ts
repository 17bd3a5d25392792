// C6 in lifecycle code: what a panic is, and what a failure says of itself.

import { AssertionError } from "node:assert";
import { Panic, withSafeMessage } from "@workerkit/contracts";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { watch } from "./outcome.ts";
import { type RigOptions, rig } from "./rig.ts";

const throws = (error: unknown) => () => {
  throw error;
};

/** Runs a worker whose code fails in one phase, and returns its failures. */
async function failuresOf(
  phase: "start" | "run" | "drain" | "stop" | "cleanup",
  error: unknown,
  options: RigOptions = {},
) {
  const r = rig({
    ...(phase === "start" && { start: throws(error) }),
    ...(phase === "drain" && { drain: throws(error) }),
    ...((phase === "stop" || phase === "cleanup") && { stop: throws(error) }),
    ...(phase === "cleanup" && { restart: { backoff: constant(0) } }),
    ...options,
  });
  const start = watch(r.runtime.start("w"));
  await r.clock.flush();
  if (phase === "run") r.context().reportFailure(error);
  if (phase === "cleanup") r.context().reportFailure(new Error("down"));
  if (phase === "drain") void r.runtime.drain("w");
  if (phase === "stop") r.runtime.stop("w").catch(() => {});
  await r.clock.flush();
  expect(start.now()).toEqual(phase === "start" ? error : "done");
  await r.end();
  return r.heard.flatMap(([name, event]) =>
    name === "worker:failure" && event.phase === phase ? [event] : [],
  );
}

describe("a panic", () => {
  it.each([
    ["a Panic", new Panic("never")],
    ["an AssertionError", new AssertionError({ message: "never" })],
    ["a ReferenceError", new ReferenceError("never")],
  ])("C6 is %s in any phase, and shows a fixed text", async (_, error) => {
    for (const phase of ["start", "run", "drain", "stop"] as const) {
      const [failure] = await failuresOf(phase, error);
      expect(failure).toMatchObject({ phase, panic: true, code: "PANIC", error });
      expect(failure?.message).not.toContain("never");
    }
  });

  it("C6 in a cleanup stays a CLEANUP_FAILED, marked as a panic", async () => {
    const [failure] = await failuresOf("cleanup", new Panic("never"));
    expect(failure).toMatchObject({ panic: true, final: false, code: "CLEANUP_FAILED" });
  });

  it("C6 is what isPanic says too, and is no panic when that throws or returns nonsense", async () => {
    const error = new TypeError("never");
    const asked: unknown[] = [];
    const isPanic = (given: unknown) => {
      asked.push(given);
      return true;
    };
    expect((await failuresOf("run", error, { isPanic }))[0]).toMatchObject({ panic: true });
    expect(asked).toContain(error);
    for (const nonsense of [throws(new Error("a trap")), () => "yes" as never]) {
      expect((await failuresOf("run", error, { isPanic: nonsense }))[0]).toMatchObject({
        panic: false,
        code: "WORKER_FAILED",
      });
    }
  });

  it("C6 is restarted like any other failure while its policy is to recover", async () => {
    const r = rig({ restart: { backoff: constant(10) } });
    await r.runtime.start("w");
    r.context().reportFailure(new Panic("never"));
    await r.clock.advance(10);
    expect(r.state()).toBe("running");
    await r.end();
  });
});

describe("a failure", () => {
  it("C6 may say something of its own to strangers", async () => {
    const error = withSafeMessage(new Error("secret"), { code: "DB_DOWN", message: "no database" });
    const [failure] = await failuresOf("run", error);
    expect(failure).toMatchObject({ code: "DB_DOWN", message: "no database", error });
  });

  it("C6 carries the original error, its phase and its attempt", async () => {
    const error = new Error("secret");
    for (const phase of ["start", "run", "drain", "stop"] as const) {
      const [failure] = await failuresOf(phase, error);
      expect(failure).toMatchObject({
        ...{ phase, attempt: 1, final: phase !== "drain", panic: false },
        ...{ code: "WORKER_FAILED", message: "the worker failed" },
      });
      expect(failure?.error).toBe(error);
    }
  });
});
