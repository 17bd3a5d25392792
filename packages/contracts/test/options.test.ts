import {
  invalidOption,
  type OptionReader,
  optionPath,
  readBoolean,
  readDurationMs,
  readFunction,
  readLimit,
  readOneOf,
  readOptions,
  readRecord,
  readSignal,
  readText,
  showValue,
  unknownOption,
} from "@workerkit/contracts";
import { describe, expect, it, vi } from "vitest";
import { circular, revokedProxy, throwingGetters, trappedProxy } from "./hostile.ts";

const endless = Number.POSITIVE_INFINITY;
const nobodysValues = [null, undefined, Symbol("x"), trappedProxy(), revokedProxy(), circular()];
const readWord: OptionReader<string> = (value, path) =>
  readOneOf(value, path, ["fail", "continue"]);
const work = () => {};

interface ReaderCase {
  readonly reader: OptionReader<unknown>;
  readonly expected: string;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const readers: Readonly<Record<string, ReaderCase>> = {
  readDurationMs: {
    reader: readDurationMs,
    expected: "a number of ms, 0 or more, or Infinity",
    good: [0, 0.5, 1, 2 ** 40, endless],
    bad: [-1, -endless, Number.NaN, "5", 5n, true, [], () => 5, new Date(0), new Number(5)],
  },
  readLimit: {
    reader: readLimit,
    expected: "a whole number of 1 or more, or Infinity",
    good: [1, 2, Number.MAX_SAFE_INTEGER, endless],
    bad: [0, -1, 1.5, 2 ** 53, -endless, Number.NaN, "1", 1n, true, [1], new Number(5)],
  },
  readBoolean: {
    reader: readBoolean,
    expected: "true or false",
    good: [true, false],
    bad: [0, 1, "true", "", {}, [], new Boolean(true)],
  },
  readText: {
    reader: readText,
    expected: "a text",
    good: ["", "orders", "\0"],
    bad: [0, true, {}, ["a"], new String("a"), { toString: () => "a" }],
  },
  readFunction: {
    reader: readFunction,
    expected: "a function",
    good: [work, class {}, new Proxy(work, {})],
    bad: [0, "work", {}, { call: work }],
  },
  readOneOf: {
    reader: readWord,
    expected: '"fail" or "continue"',
    good: ["fail", "continue"],
    bad: ["Fail", "fail ", "", "toString", "__proto__", 0, {}, ["fail"]],
  },
  readSignal: {
    reader: readSignal,
    expected: "an AbortSignal",
    good: [new AbortController().signal, AbortSignal.abort()],
    bad: [
      0,
      "signal",
      {},
      [],
      new AbortController(),
      new EventTarget(),
      { aborted: false },
      { aborted: "no", addEventListener: work },
      { aborted: false, addEventListener: true },
      throwingGetters("aborted", "addEventListener"),
    ],
  },
};

describe.each(Object.entries(readers))("%s", (_, { reader, expected, good, bad }) => {
  it.each(good.map((value) => [showValue(value), value]))("takes %s as it is", (_shown, value) => {
    expect(reader(value, "path")).toBe(value);
  });

  it.each([...bad, ...nobodysValues].map((value) => [showValue(value), value]))(
    "N4 refuses %s, naming path, value and what was expected",
    (shown, value) => {
      expect(() => reader(value, "workers.index.some")).toThrowError(
        expect.objectContaining({
          code: "INVALID_OPTION",
          message: `workers.index.some is ${shown}: expected ${expected}`,
          details: { path: "workers.index.some", value: shown, expected },
        }),
      );
    },
  );
});

describe("readRecord", () => {
  it.each([{}, Object.create(null), new (class Thing {})(), new Map()])(
    "takes an object whose properties remain to be read",
    (value) => {
      expect(readRecord(value, "path")).toBe(value);
    },
  );

  it.each(
    [null, undefined, 0, "x", [], work, Symbol("x")].map((value) => [showValue(value), value]),
  )("N4 refuses %s", (_, value) => {
    expect(() => readRecord(value, "restart")).toThrow("restart is");
    expect(() => readRecord(value, "restart", "a restart policy")).toThrow("a restart policy");
  });

  it("N4 calls the whole `options` where it has no path", () => {
    expect(() => readRecord(5, "")).toThrow("options is 5: expected an object");
  });

  it("takes proxies, though one of an array that was revoked can no longer tell", () => {
    const proxy = trappedProxy();
    expect(readRecord(proxy, "path")).toBe(proxy);
    expect(() => readRecord(new Proxy([], {}), "path")).toThrow("path is an array");
    expect(() => readRecord(revokedProxy([]), "path")).not.toThrow();
  });
});

describe("readOptions", () => {
  interface Options {
    readonly timeoutMs: number;
    readonly label: string;
  }
  const read = (value: unknown, path = "queue") =>
    readOptions<Options>(value, path, { timeoutMs: readDurationMs, label: readText });

  it("returns the given keys only, for defaults to be spread below", () => {
    expect(read({ timeoutMs: 5 })).toEqual({ timeoutMs: 5 });
    expect(Object.keys(read({ timeoutMs: 5, label: undefined }))).toEqual(["timeoutMs"]);
    expect(read(undefined)).toEqual({});
    expect(read({})).toEqual({});
    expect(read(Object.create(null))).toEqual({});
  });

  it("returns a copy, which later changes of the given object do not reach", () => {
    const given = { timeoutMs: 5 };
    const options = read(given);
    given.timeoutMs = 6;
    expect(options).toEqual({ timeoutMs: 5 });
  });

  it("takes instances of classes by their own fields, and plain objects of other realms", async () => {
    const { runInNewContext } = await import("node:vm");
    class Configuration {
      timeoutMs = 5;
    }
    expect(read(new Configuration())).toEqual({ timeoutMs: 5 });
    expect(read(runInNewContext("({ label: 'x' })"))).toEqual({ label: "x" });
    expect(read(runInNewContext("({})"))).toEqual({});
  });

  it("N4 names the path of a value that its reader refuses", () => {
    expect(() => read({ timeoutMs: -1 }, "workers.index.queue")).toThrow(
      "workers.index.queue.timeoutMs is -1: expected a number of ms, 0 or more, or Infinity",
    );
    expect(() => read({ timeoutMs: -1 }, "")).toThrow(/^timeoutMs is -1/);
  });

  it("N4 refuses a key that nobody reads, listing those that somebody does", () => {
    expect(() => read({ timeoutMS: 5 })).toThrowError(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: "queue.timeoutMS is no option: expected one of label, timeoutMs",
        details: {
          path: "queue.timeoutMS",
          value: "(unknown key)",
          expected: "one of label, timeoutMs",
        },
      }),
    );
    expect(() => read({ other: undefined })).toThrow("queue.other is no option");
    expect(() => readOptions(JSON.parse('{"a":1}'), "", {})).toThrow(
      "a is no option: expected no options",
    );
  });

  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
    "N4 refuses %s as any other unknown key, and changes no prototype",
    (key) => {
      expect(() => read(JSON.parse(`{ "${key}": { "polluted": true } }`))).toThrow(
        `queue.${key} is no option`,
      );
      expect({}).not.toHaveProperty("polluted");
    },
  );

  it.each([
    ["evil\r\nline", 'queue."evil\\r\\nline"'],
    ["\u202e", 'queue."\\u202e"'],
    ["", 'queue.""'],
    ["x".repeat(10_000), `queue."${"x".repeat(64)}"…`],
  ])("N4 shows a hostile key without letting it spoil the message", (key, shown) => {
    expect(() => read({ [key]: 1 })).toThrow(`${shown} is no option`);
  });

  it.each([
    ["a promise, whose await was forgotten", Promise.resolve({ timeoutMs: 5 }), "a promise"],
    ["a Map", new Map([["timeoutMs", 5]]), "an object"],
    ["a signal given in place of options", new AbortController().signal, "an object"],
    ["an instance without fields", new (class Configuration {})(), "an object"],
    ["what only inherits its options", Object.create({ timeoutMs: 5 }), "an object"],
  ])("N4 refuses %s rather than taking it for no options", (_, value, shown) => {
    expect(() => read(value)).toThrow(`queue is ${shown}: expected a plain object`);
  });

  it.each([
    ["null", null],
    ["a number", 0],
    ["a text", "x"],
    ["an array", []],
    ["a function", work],
  ])("N4 refuses %s", (_, value) => {
    expect(() => read(value)).toThrow("expected an object");
  });

  it.each([
    ["a proxy that throws", trappedProxy(), "queue"],
    ["a revoked proxy", revokedProxy(), "queue"],
    ["a getter that throws", throwingGetters("label"), "queue.label"],
  ])("N4 refuses %s, with what it threw as cause", (_, value, path) => {
    expect(() => read(value)).toThrowError(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining(`${path} is unreadable`),
        cause: expect.any(Error),
      }),
    );
  });

  it("reads each key once, so that what was checked is what is used", () => {
    const answer = vi.fn().mockReturnValueOnce(5).mockReturnValue(-1);
    const given = Object.defineProperty({}, "timeoutMs", { get: answer, enumerable: true });
    expect(read(given)).toEqual({ timeoutMs: 5 });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it("takes frozen options, and leaves those given as they were", () => {
    const given = Object.freeze({ timeoutMs: 5, label: undefined });
    expect(read(given)).toEqual({ timeoutMs: 5 });
    expect(given).toEqual({ timeoutMs: 5, label: undefined });
  });
});

describe("the errors of options", () => {
  it("N4 lets an extension report a wrong value and an unknown key of its own", () => {
    expect(invalidOption("a.b", 5, "a text").message).toBe("a.b is 5: expected a text");
    expect(unknownOption("a", "b", ["z", "c"]).message).toBe(
      "a.b is no option: expected one of c, z",
    );
  });

  it("joins paths, and quotes a key that could spoil a message", () => {
    expect(optionPath("", "restart")).toBe("restart");
    expect(optionPath("workers.index", "restart")).toBe("workers.index.restart");
    expect(optionPath("commands", "index/rebuild")).toBe("commands.index/rebuild");
    expect(optionPath("commands", "a b")).toBe('commands."a b"');
  });

  it.each(
    [
      ["text", '"text"'],
      ["x".repeat(41), `"${"x".repeat(40)}"…`],
      ["a\nb\u202e", '"a\\nb\\u202e"'],
      [Number.NaN, "NaN"],
      [-0.5, "-0.5"],
      [true, "true"],
      [undefined, "undefined"],
      [null, "null"],
      [10n ** 1000n, "a bigint"],
      [Symbol("secret"), "a symbol"],
      [work, "a function"],
      [["secret"], "an array"],
      [{ password: "secret" }, "an object"],
      [trappedProxy(), "an object"],
      [revokedProxy([]), "an object"],
    ].map(([value, shown]) => [shown, value]),
  )("shows any value as something short and harmless: %s", (shown, value) => {
    expect(showValue(value)).toBe(shown);
  });
});
