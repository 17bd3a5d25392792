import { type ErrorCode, isWorkerkitError, toError, WorkerkitError } from "@workerkit/contracts";
import { describe, expectTypeOf, it } from "vitest";

describe("isWorkerkitError", () => {
  it("narrows anything to the class", () => {
    const caught: unknown = new Error("x");
    if (isWorkerkitError(caught)) {
      expectTypeOf(caught).toExtend<WorkerkitError>();
      expectTypeOf(caught.code).toEqualTypeOf<ErrorCode>();
      expectTypeOf(caught.name).toEqualTypeOf<"WorkerkitError">();
    } else {
      expectTypeOf(caught).toBeUnknown();
    }
  });

  it("narrows to the code that was asked for", () => {
    const caught: unknown = new Error("x");
    if (isWorkerkitError(caught, "TIMEOUT")) {
      expectTypeOf(caught).toExtend<WorkerkitError>();
      expectTypeOf(caught.code).toEqualTypeOf<"TIMEOUT">();
    }
    // @ts-expect-error no error has this code
    isWorkerkitError(caught, "TIME_OUT");
  });

  it("leaves an error of another code what it was", () => {
    const error = new WorkerkitError("ABANDONED", "x");
    if (!isWorkerkitError(error, "TIMEOUT")) expectTypeOf(error).toEqualTypeOf<WorkerkitError>();
  });

  it("takes the class out of a union when no code is asked for", () => {
    const either = new Error("x") as WorkerkitError | RangeError | undefined;
    if (!isWorkerkitError(either)) expectTypeOf(either).toEqualTypeOf<RangeError | undefined>();
  });
});

describe("WorkerkitError", () => {
  it("takes known codes, and options that may be given undefined", () => {
    new WorkerkitError("TIMEOUT", "x", { details: undefined, cause: undefined });
    // @ts-expect-error no error has this code
    new WorkerkitError("TIME_OUT", "x");
  });
});

describe("toError", () => {
  it("makes an Error of anything", () => {
    expectTypeOf(toError).toEqualTypeOf<(thrown: unknown) => Error>();
  });
});
