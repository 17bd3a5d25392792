import assert from "node:assert";
import { runInNewContext, runInThisContext } from "node:vm";
import {
  abandonedError,
  isFatal,
  isPanic,
  isWorkerkitError,
  Panic,
  safeMessageOf,
  WorkerkitError,
  withFatal,
  withSafeMessage,
} from "@workerkit/contracts";
import { describe, expect, it } from "vitest";
import { circular, revokedProxy, throwingGetters, trappedProxy } from "./hostile.ts";

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const hostile: readonly [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a text", "text"],
  ["a symbol", Symbol("x")],
  ["a circular object", circular()],
  ["a frozen Error", Object.freeze(new Error("frozen"))],
  ["a frozen object", Object.freeze({})],
  ["a proxy that throws", trappedProxy(new Error("x"))],
  ["a revoked proxy", revokedProxy(new Error("x"))],
  [
    "an Error that nods and keeps no mark",
    new Proxy(new Error("x"), { defineProperty: () => true }),
  ],
  ["getters that throw", throwingGetters("~safe", "~fatal", "~panic", "name", "message", "code")],
];

describe("isPanic", () => {
  it.each([
    ["a Panic", new Panic("never")],
    ["an AssertionError of Node", caught(() => assert.equal(1, 2))],
    ["an AssertionError of an assertion library", caught(() => expect(1).toBe(2))],
    ["a ReferenceError", caught(() => runInThisContext("unheardOf"))],
    ["a ReferenceError of another realm", caught(() => runInNewContext("unheardOf"))],
  ])("C6 knows %s", (_, error) => {
    expect(isPanic(error)).toBe(true);
  });

  it.each([
    ["an Error", new Error("x")],
    ["a TypeError, which fetch throws for a network that is down", new TypeError("fetch failed")],
    ["a WorkerkitError", new WorkerkitError("PANIC", "x")],
    ...hostile,
  ])("C6 does not take %s for one", (_, error) => {
    expect(isPanic(error)).toBe(false);
  });

  it("gives a Panic its name, in the stack too", () => {
    expect(new Panic("never").stack).toMatch(/^Panic: never\n/);
    expect(Object.keys(new Panic("never"))).toEqual([]);
  });
});

describe("withFatal", () => {
  it("marks an Error and returns it, unseen by logs", () => {
    const error = new Error("for good");
    expect(isFatal(error)).toBe(false);
    expect(withFatal(error)).toBe(error);
    expect(isFatal(error)).toBe(true);
    expect(Object.keys(error)).toEqual([]);
  });

  it.each(hostile)("C6 marks %s by way of an Error with it as cause", (_, thrown) => {
    expect(isFatal(thrown)).toBe(false);
    const error = withFatal(thrown);
    expect(error).toBeInstanceOf(Error);
    expect(isFatal(error)).toBe(true);
    expect(Object.is(error.cause, thrown)).toBe(true);
  });

  it("keeps what an error that cannot be marked was: its message, its marks, its panic", () => {
    const panic = Object.freeze(
      withSafeMessage(new Panic("never"), { code: "OUCH", message: "ouch" }),
    );
    const error = withFatal(panic);
    expect(error).not.toBe(panic);
    expect(error.message).toBe("never");
    expect(isFatal(error)).toBe(true);
    expect(isPanic(error)).toBe(true);
    expect(safeMessageOf(error, "WORKER_FAILED")).toEqual({ code: "OUCH", message: "ouch" });
    const fatal = Object.freeze(withFatal(new Error("for good")));
    expect(isFatal(withSafeMessage(fatal, { code: "OUCH", message: "ouch" }))).toBe(true);
    expect(isPanic(withSafeMessage(fatal, { code: "OUCH", message: "ouch" }))).toBe(false);
  });
});

describe("withSafeMessage", () => {
  const safe = { code: "NO_STOCK", message: "out of stock" };

  it("lets an error speak to strangers, and the last word counts", () => {
    const error = new Error("row 17 of secret_table");
    expect(withSafeMessage(error, safe)).toBe(error);
    expect(error.message).toBe("row 17 of secret_table");
    expect(safeMessageOf(error, "COMMAND_FAILED")).toEqual(safe);
    withSafeMessage(error, { code: "SOLD", message: "sold" });
    expect(safeMessageOf(error, "COMMAND_FAILED")).toEqual({ code: "SOLD", message: "sold" });
  });

  it.each(hostile)("C6 lets %s speak by way of an Error with it as cause", (_, thrown) => {
    const error = withSafeMessage(thrown, safe);
    expect(safeMessageOf(error, "COMMAND_FAILED")).toEqual(safe);
    expect(Object.is(error.cause, thrown)).toBe(true);
  });

  it.each([
    [undefined, "safe"],
    ["text", "safe"],
    [{ message: "m" }, "safe.code"],
    [{ code: 7, message: "m" }, "safe.code"],
    [{ code: "C" }, "safe.message"],
  ])("N4 refuses %j", (given, path) => {
    const error = caught(() => withSafeMessage(new Error("x"), given as typeof safe));
    expect(error).toMatchObject({ code: "INVALID_OPTION", details: { path } });
  });
});

describe("safeMessageOf", () => {
  const panicked = { code: "PANIC", message: "the code panicked" };

  it("shows a fixed text in place of an error's own words", () => {
    const secret = new Error("password=hunter2");
    expect(safeMessageOf(secret, "WORKER_FAILED")).toEqual({
      code: "WORKER_FAILED",
      message: "the worker failed",
    });
    expect(safeMessageOf(secret, "COMMAND_FAILED")).toEqual({
      code: "COMMAND_FAILED",
      message: "the command failed",
    });
  });

  it("shows the words of a WorkerkitError", () => {
    const error = new WorkerkitError("TIMEOUT", "start took more than 5 ms");
    expect(safeMessageOf(error, "WORKER_FAILED")).toEqual({
      code: "TIMEOUT",
      message: "start took more than 5 ms",
    });
  });

  it("says PANIC of a panic, or of what the caller takes for one, unless it has a safe message", () => {
    expect(safeMessageOf(new Panic("hunter2"), "WORKER_FAILED")).toEqual(panicked);
    expect(safeMessageOf(new Error("hunter2"), "WORKER_FAILED", true)).toEqual(panicked);
    expect(safeMessageOf(new Panic("hunter2"), "WORKER_FAILED", false).code).toBe("WORKER_FAILED");
    const spoken = withSafeMessage(new Panic("hunter2"), { code: "OUCH", message: "ouch" });
    expect(safeMessageOf(spoken, "WORKER_FAILED")).toEqual({ code: "OUCH", message: "ouch" });
  });

  it.each([
    ...hostile,
    ["a mark without texts", { "~safe": { code: 7, message: { toString: null } } }],
    ["a mark that throws", { "~safe": throwingGetters("code", "message") }],
    ["a brand without texts", { "~workerkit": 1, code: Symbol("x"), message: null }],
    [
      "a brand whose parts throw",
      Object.assign(throwingGetters("code", "message"), { "~workerkit": 1 }),
    ],
  ])("falls back to the fixed text for %s, and never throws", (_, error) => {
    expect(safeMessageOf(error, "COMMAND_FAILED").code).toBe("COMMAND_FAILED");
  });
});

describe("abandonedError", () => {
  it("says what did not end, within which grace, and why it should have", () => {
    const cause = new WorkerkitError("TIMEOUT", "too slow");
    const error = abandonedError("the stop hook of orders", 1000, cause);
    expect(isWorkerkitError(error, "ABANDONED")).toBe(true);
    expect(error.message).toContain(
      "the stop hook of orders did not end within its grace of 1000 ms",
    );
    expect(error.details).toEqual({ what: "the stop hook of orders", graceMs: 1000 });
    expect(error.cause).toBe(cause);
  });
});
