import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  type Clock,
  createGate,
  type Gate,
  type GateOptions,
  isWorkerkitError,
  mapConcurrent,
  type Release,
  type WaitOptions,
} from "@workerkit/limits";
import { describe, expectTypeOf, it } from "vitest";

const gate = createGate({ limit: 1 });

describe("the types of a gate", () => {
  it("ask for a limit and take undefined for every other option", () => {
    expectTypeOf(createGate).parameters.toEqualTypeOf<[GateOptions]>();
    createGate({ limit: 1, queue: undefined, clock: undefined });
    createGate({ limit: 1, queue: { size: undefined, timeoutMs: undefined } });
    createGate({ limit: Number.POSITIVE_INFINITY, clock: createFakeClock() });
    // @ts-expect-error a gate without a limit is none
    createGate({});
    // @ts-expect-error it is called limit
    createGate({ limit: 1, concurrency: 1 });
    // @ts-expect-error durations say their unit
    createGate({ limit: 1, queue: { timeout: 100 } });
    expectTypeOf<NonNullable<GateOptions["clock"]>>().toEqualTypeOf<Clock>();
  });

  it("let the limit be set, and the counts be read", () => {
    expectTypeOf(gate).toEqualTypeOf<Gate>();
    gate.limit = 2;
    // @ts-expect-error only releases change it
    gate.active = 2;
    // @ts-expect-error only callers change it
    gate.waiting = 2;
  });

  it("make a try's slot something to check, and a slot a function that can be disposed", async () => {
    expectTypeOf(gate.tryAcquire()).toEqualTypeOf<Release | undefined>();
    expectTypeOf(gate.acquire()).resolves.toEqualTypeOf<Release>();
    expectTypeOf<Release>().toExtend<() => void>();
    expectTypeOf<Release>().toExtend<Disposable>();
    // @ts-expect-error no slot may have been free
    gate.tryAcquire()();
    using _slot = await gate.acquire({ signal: undefined, timeoutMs: undefined });
    using _maybe = gate.tryAcquire();
  });

  it("give what the function gives, awaited", () => {
    expectTypeOf(gate.run(() => 1)).resolves.toEqualTypeOf<number>();
    expectTypeOf(gate.run(async () => "text")).resolves.toEqualTypeOf<string>();
    const either = () => (Math.random() > 0.5 ? ("now" as const) : Promise.resolve(1));
    expectTypeOf(gate.run(either)).resolves.toEqualTypeOf<"now" | number>();
    expectTypeOf(gate.run<never>)
      .parameter(1)
      .toEqualTypeOf<WaitOptions | undefined>();
    // @ts-expect-error a promise is no function
    void gate.run(Promise.resolve(1));
  });

  it("resolve drained with nothing", () => {
    expectTypeOf(gate.drained({ signal: undefined })).resolves.toEqualTypeOf<void>();
  });
});

describe("the types of mapConcurrent", () => {
  it("infer the item from the list and the results from the function", () => {
    const results = mapConcurrent(
      new Map([["a", 1]]),
      async ([key, value], { index, signal }) => {
        expectTypeOf(key).toEqualTypeOf<string>();
        expectTypeOf(value).toEqualTypeOf<number>();
        expectTypeOf(index).toEqualTypeOf<number>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        return { key };
      },
      { concurrency: 2, signal: undefined },
    );
    expectTypeOf(results).resolves.toEqualTypeOf<{ key: string }[]>();
    expectTypeOf(
      mapConcurrent("ab", (letter) => letter, { concurrency: 1 }),
    ).resolves.toEqualTypeOf<string[]>();
  });

  it("ask for the concurrency, and for a list", () => {
    // @ts-expect-error how many at once is for the caller to say
    void mapConcurrent([1], (item) => item);
    // @ts-expect-error how many at once is for the caller to say
    void mapConcurrent([1], (item) => item, {});
    // @ts-expect-error a promise of a list is no list
    void mapConcurrent(Promise.resolve([1]), (item) => item, { concurrency: 1 });
    // @ts-expect-error the item is a number
    void mapConcurrent([1], (item: string) => item, { concurrency: 1 });
  });
});

it("narrows an error to one that has a code", () => {
  const error: unknown = undefined;
  if (isWorkerkitError(error, "SATURATED"))
    expectTypeOf(error.details.reason).toEqualTypeOf<unknown>();
});
