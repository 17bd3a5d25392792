import { runInNewContext } from "node:vm";
import { isWorkerkitError, toError, WorkerkitError } from "@workerkit/contracts";
import { describe, expect, it } from "vitest";
import { circular, revokedProxy, throwingGetters, trappedProxy } from "./hostile.ts";

describe("WorkerkitError", () => {
  it("carries a code, a message, details and a cause", () => {
    const cause = new Error("beneath");
    const error = new WorkerkitError("TIMEOUT", "too slow", { cause, details: { limitMs: 5 } });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: "TIMEOUT", message: "too slow", details: { limitMs: 5 } });
    expect(error.cause).toBe(cause);
  });

  it("has empty details and no cause unless they are given, and keeps a cause of undefined", () => {
    const bare = new WorkerkitError("TIMEOUT", "too slow");
    expect(bare.details).toEqual({});
    expect(Object.hasOwn(bare, "cause")).toBe(false);
    expect(Object.hasOwn(new WorkerkitError("TIMEOUT", "", { cause: undefined }), "cause")).toBe(
      true,
    );
  });

  it("begins its stack with its name, and shows logs its code and details but not its brand", () => {
    const error = new WorkerkitError("TIMEOUT", "too slow", { details: { limitMs: 5 } });
    expect(error.stack).toMatch(/^WorkerkitError: too slow\n/);
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: "TIMEOUT", details: { limitMs: 5 } });
  });

  it("lets whoever decorates errors give it another name", () => {
    const error = new WorkerkitError("TIMEOUT", "too slow");
    Object.assign(error, { name: "ShopError" });
    expect(String(error)).toBe("ShopError: too slow");
    expect(String(new WorkerkitError("TIMEOUT", "untouched"))).toBe("WorkerkitError: untouched");
  });
});

describe("isWorkerkitError", () => {
  const error = new WorkerkitError("TIMEOUT", "too slow");

  it("knows the class by its brand, and asks for the code when one is given", () => {
    expect(isWorkerkitError(error)).toBe(true);
    expect(isWorkerkitError(error, "TIMEOUT")).toBe(true);
    expect(isWorkerkitError(error, "ABANDONED")).toBe(false);
    expect(isWorkerkitError({ "~workerkit": 1, code: "TIMEOUT" }, "TIMEOUT")).toBe(true);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "TIMEOUT"],
    ["a symbol", Symbol("TIMEOUT")],
    ["another error with such a code", Object.assign(new Error("x"), { code: "TIMEOUT" })],
    ["another version's brand", { "~workerkit": 2, code: "TIMEOUT" }],
    ["a brand that throws", throwingGetters("~workerkit")],
    ["a proxy that throws", trappedProxy()],
    ["a revoked proxy", revokedProxy(error)],
  ])("says no to %s, and never throws", (_, value) => {
    expect(isWorkerkitError(value)).toBe(false);
    expect(isWorkerkitError(value, "TIMEOUT")).toBe(false);
  });

  it("says no to a code that throws when read", () => {
    const hostile = Object.assign(throwingGetters("code"), { "~workerkit": 1 });
    expect(isWorkerkitError(hostile, "TIMEOUT")).toBe(false);
  });
});

describe("toError", () => {
  class OldStyle {}
  Object.setPrototypeOf(OldStyle.prototype, Error.prototype);

  it.each<[string, unknown]>([
    ["an Error", new Error("kept")],
    ["a subclass", new RangeError("kept")],
    ["a frozen one", Object.freeze(new Error("kept"))],
    ["a WorkerkitError", new WorkerkitError("TIMEOUT", "kept")],
    ["a DOMException", new DOMException("kept", "AbortError")],
    ["an AggregateError", new AggregateError([], "kept")],
    ["an Error of another realm", runInNewContext("new Error('kept')")],
    ["an object made after Error", new OldStyle()],
    ["a proxy that lets itself be read", new Proxy(new Error("kept"), {})],
  ])("C6 keeps %s as it is", (_, thrown) => {
    expect(toError(thrown)).toBe(thrown);
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a text", "a secret", "a string"],
    ["a number", Number.NaN, "NaN"],
    ["a boolean", false, "false"],
    ["a bigint", 10n ** 100n, "a bigint"],
    ["a symbol", Symbol("a secret"), "a symbol"],
    ["a function", () => "a secret", "a function"],
    ["a frozen object", Object.freeze({ message: "a secret" }), "an object"],
    ["a circular object", circular(), "an object"],
    ["an object without a prototype", Object.create(null), "an object"],
    ["what only claims to be an Error", { [Symbol.toStringTag]: "Error" }, "an object"],
    ["a proxy that throws", trappedProxy(new Error("x")), "an object"],
    ["a revoked proxy", revokedProxy(new Error("x")), "an object"],
    [
      "an Error whose message throws",
      Object.defineProperty(new Error("x"), "message", {
        get: () => {
          throw new Error("a trap");
        },
      }),
      "an object",
    ],
    [
      "an Error whose name is no text",
      Object.assign(new Error("x"), { name: Symbol("x") }),
      "an object",
    ],
  ])("C6 makes %s the cause of an Error that keeps its contents to itself", (_, thrown, shown) => {
    const error = toError(thrown);
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(error.message).toBe(`Thrown: ${shown}, which is no Error`);
    expect(Object.is(error.cause, thrown)).toBe(true);
    expect(Object.hasOwn(error, "cause")).toBe(true);
  });
});
