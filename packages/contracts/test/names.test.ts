import {
  assertCommandName,
  assertWorkerName,
  isCommandName,
  isWorkerName,
  quoteName,
} from "@workerkit/contracts";
import { describe, expect, it } from "vitest";
import { revokedProxy, trappedProxy } from "./hostile.ts";

const segment = "x".repeat(63);
const longestCommand = `${segment}/${segment}/${segment}/${segment}`; // 4 x 63 + 3 = 255

const workerNames = ["a", "0", "-", "_", "orders", "order-stream_2", "__proto__", segment];
const nobodysNames = [
  "",
  " ",
  "Orders",
  "orders ",
  "orders\n",
  "orders\0",
  "a.b",
  "..",
  "../etc",
  "%2e%2e",
  "оrders", // begins with a Cyrillic letter
  "ärger",
  "a".repeat(64),
  "x".repeat(10_000),
  undefined,
  null,
  7,
  {},
  ["orders"],
  new String("orders"),
  Symbol("orders"),
  { toString: () => "orders" },
  trappedProxy(),
  revokedProxy(),
];

describe("isWorkerName", () => {
  it.each(workerNames)("N1 takes %j", (name) => {
    expect(isWorkerName(name)).toBe(true);
    expect(() => assertWorkerName(name)).not.toThrow();
  });

  it.each([...nobodysNames, "shop/orders"].map((name) => [quoteName(name), name]))(
    "N1 refuses %s",
    (_, name) => {
      expect(isWorkerName(name)).toBe(false);
    },
  );
});

describe("isCommandName", () => {
  it.each([...workerNames, "index/rebuild", "a/b/c", longestCommand])("N1 takes %j", (name) => {
    expect(isCommandName(name)).toBe(true);
    expect(() => assertCommandName(name)).not.toThrow();
  });

  it.each(
    [
      ...nobodysNames,
      "/",
      "/a",
      "a/",
      "a//b",
      "a/B",
      `a/${"x".repeat(64)}`,
      `${longestCommand}/`,
      `a/${longestCommand}`,
    ].map((name) => [quoteName(name), name]),
  )("N1 refuses %s", (_, name) => {
    expect(isCommandName(name)).toBe(false);
  });

  it("N1 judges a name of a million characters at once", () => {
    expect(isCommandName("a/".repeat(500_000))).toBe(false);
  });
});

describe("assertWorkerName and assertCommandName", () => {
  it("N1 quote the name and the rule", () => {
    expect(() => assertWorkerName("Orders\n")).toThrowError(
      expect.objectContaining({
        code: "INVALID_NAME",
        message: '"Orders\\n" is no worker name: expected 1 to 63 characters of a-z, 0-9, _ and -',
        details: {
          what: "worker",
          name: '"Orders\\n"',
          expected: "1 to 63 characters of a-z, 0-9, _ and -",
        },
      }),
    );
    expect(() => assertWorkerName("", "runtime")).toThrow('"" is no runtime name');
    expect(() => assertCommandName("a//b")).toThrow(
      '"a//b" is no command name: expected segments of 1 to 63 characters',
    );
  });

  it.each(nobodysNames.map((name) => [quoteName(name), name]))(
    "N1 throw INVALID_NAME in one short printable line for %s",
    (_, name) => {
      for (const check of [assertWorkerName, assertCommandName]) {
        expect(() => check(name)).toThrowError(
          expect.objectContaining({
            code: "INVALID_NAME",
            message: expect.stringMatching(/^[\x20-\x7e…]{1,600}$/),
          }),
        );
      }
    },
  );
});

describe("quoteName", () => {
  it.each(
    [
      ["orders", '"orders"'],
      ["", '""'],
      ['say "hi"\\', '"say \\"hi\\"\\\\"'],
      ["a\r\nb\tc\0", '"a\\r\\nb\\tc\\u0000"'],
      ["\x1b[31mred", '"\\u001b[31mred"'],
      ["\x7f\x85", '"\\u007f\\u0085"'], // DEL, and a line end that JSON leaves alone
      ["\u2028\u2029", '"\\u2028\\u2029"'],
      ["\u202eevil", '"\\u202eevil"'], // turns the reading direction
      ["\u200borders", '"\\u200borders"'], // no width
      ["оrders", '"\\u043erders"'],
      ["😀", '"\\ud83d\\ude00"'],
      ["\ud83d", '"\\ud83d"'],
      ["a…", '"a\\u2026"'],
      ["x".repeat(64), `"${"x".repeat(64)}"`],
      ["x".repeat(65), `"${"x".repeat(64)}"…`],
      [`${"x".repeat(63)}😀`, `"${"x".repeat(63)}\\ud83d"…`],
      [undefined, "(undefined)"],
      [null, "(null)"],
      [7, "(number)"],
      [Symbol("x"), "(symbol)"],
      [["orders"], "(object)"],
      [trappedProxy(), "(object)"],
      [revokedProxy(), "(object)"],
    ].map(([name, shown]) => [shown, name]),
  )("N1 shows a name as %s", (shown, name) => {
    expect(quoteName(name)).toBe(shown);
  });

  it("N1 stays short whatever it is given", () => {
    expect(quoteName("\0".repeat(1_000_000)).length).toBeLessThan(64 * 6 + 4);
  });
});
