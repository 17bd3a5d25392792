import {
  type OptionReaders,
  readBoolean,
  readDurationMs,
  readFunction,
  readOneOf,
  readOptions,
  readText,
} from "@workerkit/contracts";
import { describe, expectTypeOf, it } from "vitest";

interface Options {
  readonly timeoutMs: number;
  readonly label?: string | undefined;
}

describe("OptionReaders", () => {
  it("wants a reader of the right type for every key, and for no other", () => {
    const readers: OptionReaders<Options> = { timeoutMs: readDurationMs, label: readText };
    expectTypeOf(readOptions<Options>({}, "", readers)).toEqualTypeOf<Partial<Options>>();
    // @ts-expect-error label has no reader
    const few: OptionReaders<Options> = { timeoutMs: readDurationMs };
    // @ts-expect-error timeoutMs is no boolean
    const wrong: OptionReaders<Options> = { timeoutMs: readBoolean, label: readText };
    const more: OptionReaders<Options> = {
      timeoutMs: readDurationMs,
      label: readText,
      // @ts-expect-error nobody has this option
      other: readText,
    };
    void [few, wrong, more];
  });
});

describe("the readers", () => {
  it("return what they checked", () => {
    expectTypeOf(readOneOf("fail", "onError", ["fail", "continue"])).toEqualTypeOf<
      "fail" | "continue"
    >();
    expectTypeOf(readFunction<(attempt: number) => number>(() => 1, "next")).toEqualTypeOf<
      (attempt: number) => number
    >();
  });
});
