import { getEventListeners } from "node:events";
import { type MapCall, mapConcurrent } from "@workerkit/limits";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** One call of the mapped function, as the test ends it. */
interface Call {
  readonly item: string;
  readonly index: number;
  readonly signal: AbortSignal;
  resolve(result: string): void;
  reject(error: unknown): void;
}

const ITEMS = ["a", "b", "c", "d", "e", "f"];

/** A mapping whose calls end when the test says so. */
function mapping(concurrency: number, items: Iterable<string> = ITEMS, signal?: AbortSignal) {
  const calls: Call[] = [];
  const results = mapConcurrent(
    items,
    (item, { index, signal }) =>
      new Promise<string>((resolve, reject) => {
        calls.push({ item, index, signal, resolve, reject });
      }),
    { concurrency, signal },
  );
  /** The call of one item; lets what came before run out first. */
  const call = async (item: string): Promise<Call> => {
    await quiet();
    const found = calls.find((call) => call.item === item);
    if (found === undefined) throw new Error(`no call for ${item}`);
    return found;
  };
  const begun = async () => {
    await quiet();
    return calls.map(({ item }) => item).join("");
  };
  return { results, call, begun };
}

/** Resolves when all that waits for no timer has run out. */
const quiet = () => new Promise((resolve) => setImmediate(resolve));

// One at a time, through p-limit, as many as there are items, and without a limit.
const CONCURRENCIES = [1, 2, 5, 6, 7, Number.POSITIVE_INFINITY];

const unhandled: unknown[] = [];
const collect = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", collect);
});
afterEach(async () => {
  await quiet();
  process.off("unhandledRejection", collect);
  expect(unhandled).toEqual([]);
});

describe.each(CONCURRENCIES)("mapConcurrent at %s", (concurrency) => {
  const first = "abcdef".slice(0, concurrency);

  it("P3 has as many calls running as it may, and results in the order of the items", async () => {
    const { results, call, begun } = mapping(concurrency);
    const waiting = [...ITEMS];
    expect(await begun()).toBe(first);
    let ended = 0;
    while (waiting.length > 0) {
      // The youngest that runs ends first.
      const running = waiting.slice(0, concurrency);
      const item = running.at(-1) ?? "";
      (await call(item)).resolve(item.toUpperCase());
      waiting.splice(waiting.indexOf(item), 1);
      ended++;
      expect(await begun()).toBe("abcdef".slice(0, concurrency + ended));
    }
    expect(await results).toEqual(["A", "B", "C", "D", "E", "F"]);
  });

  it("P3 tells each call its index, and a signal that does not abort while all goes well", async () => {
    const seen: MapCall[] = [];
    const controller = new AbortController();
    const results = await mapConcurrent(
      ITEMS,
      async (_item, call) => {
        expect(call.signal.aborted).toBe(false);
        seen.push(call);
        return call.index;
      },
      { concurrency, signal: controller.signal },
    );
    expect(results).toEqual([0, 1, 2, 3, 4, 5]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    controller.abort("afterwards");
    expect(seen.map(({ signal }) => signal.aborted)).toEqual(ITEMS.map(() => false));
  });

  it("P3 rejects with the first error at once, begins no further call and aborts those that run with it", async () => {
    const { results, call, begun } = mapping(concurrency);
    const running = await Promise.all([...first].map(call));
    const error = new Error("the first");
    running[0]?.reject(error);
    await expect(results).rejects.toBe(error);
    expect(running[0]?.signal.aborted).toBe(false);
    for (const { signal } of running.slice(1)) expect(signal.reason).toBe(error);
    // How the others end changes nothing: no call begins, nothing goes unhandled.
    running[1]?.reject(new Error("the second"));
    for (const { resolve } of running.slice(2)) resolve("late");
    expect(await begun()).toBe(first);
  });

  it("P3 rejects at once with the reason of its signal, begins no further call and aborts those that run", async () => {
    const controller = new AbortController();
    const reason = { why: "no longer needed" };
    const { results, call, begun } = mapping(concurrency, ITEMS, controller.signal);
    const running = await Promise.all([...first].map(call));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort(reason);
    for (const { signal } of running) expect(signal.reason).toBe(reason);
    await expect(results).rejects.toBe(reason);
    for (const { resolve } of running) resolve("late");
    expect(await begun()).toBe(first);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("P3 leaves no listener on its signal when a call fails", async () => {
    const { signal } = new AbortController();
    const failed = mapConcurrent(ITEMS, () => Promise.reject("failed"), { concurrency, signal });
    await expect(failed).rejects.toBe("failed");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a text", "text"],
  ])("P3 rejects with what is thrown, as it is thrown: %s", async (_, thrown) => {
    const fn = vi.fn(() => {
      throw thrown;
    });
    await expect(mapConcurrent(ITEMS, fn, { concurrency })).rejects.toBe(thrown);
    expect(fn).toHaveBeenCalledOnce();
  });

  it("P3 calls nothing when its signal had aborted before", async () => {
    const fn = vi.fn();
    const signal = AbortSignal.abort("before");
    await expect(mapConcurrent(ITEMS, fn, { concurrency, signal })).rejects.toBe("before");
    await expect(mapConcurrent([], fn, { concurrency, signal })).rejects.toBe("before");
    await quiet();
    expect(fn).not.toHaveBeenCalled();
  });

  it("P3 begins no further call when its signal aborts inside the first", async () => {
    const controller = new AbortController();
    const fn = vi.fn(() => controller.abort("from inside"));
    const options = { concurrency, signal: controller.signal };
    await expect(mapConcurrent(ITEMS, fn, options)).rejects.toBe("from inside");
    await quiet();
    expect(fn).toHaveBeenCalledOnce();
  });

  it("P3 resolves with nothing for no items", async () => {
    expect(await mapConcurrent([], () => "never", { concurrency })).toEqual([]);
  });

  it.each<[string, () => Iterable<string>]>([
    ["a set", () => new Set(ITEMS)],
    [
      "a generator",
      function* () {
        yield* ITEMS;
      },
    ],
    ["a text", () => "abcdef"],
  ])("P3 maps %s", async (_, items) => {
    const results = await mapConcurrent(items(), (item) => `${item}!`, { concurrency });
    expect(results).toEqual(["a!", "b!", "c!", "d!", "e!", "f!"]);
  });

  it("P3 rejects with the error of the iterator before any call", async () => {
    const fn = vi.fn();
    const broken = (function* () {
      yield "a";
      throw new Error("page 2 is gone");
    })();
    await expect(mapConcurrent(broken, fn, { concurrency })).rejects.toThrow("page 2 is gone");
    expect(fn).not.toHaveBeenCalled();
  });
});

describe("the signal of a call", () => {
  it("P3 has aborted when it is first read after the end", async () => {
    const calls: MapCall[] = [];
    const hang = (_item: string, call: MapCall) => {
      calls.push(call);
      return new Promise<never>(() => {});
    };
    const controller = new AbortController();
    const mapped = mapConcurrent(ITEMS, hang, { concurrency: 2, signal: controller.signal });
    await quiet();
    controller.abort("over");
    await expect(mapped).rejects.toBe("over");
    expect(calls.map(({ signal }) => signal.reason)).toEqual(["over", "over"]);
    for (const call of calls) expect(call.signal).toBe(call.signal);
  });

  it("P3 keeps the first reason, whatever fails after it", async () => {
    const failures: ((error: unknown) => void)[] = [];
    const calls: MapCall[] = [];
    const fail = (_item: string, call: MapCall) =>
      new Promise((_resolve, reject) => {
        calls.push(call);
        failures.push(reject);
      });
    const mapped = mapConcurrent(ITEMS, fail, { concurrency: 3 });
    await quiet();
    failures[0]?.("the first");
    failures[1]?.("the second");
    await expect(mapped).rejects.toBe("the first");
    await quiet();
    expect(calls[2]?.signal.reason).toBe("the first");
  });

  it("P3 is the call's own, so that many listeners warn of nothing", async () => {
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => warnings.push(warning);
    process.on("warning", warn);
    const fn = async (_item: number, { signal }: MapCall) =>
      signal.addEventListener("abort", () => {});
    await mapConcurrent(Array(100).keys(), fn, { concurrency: 50 });
    await quiet();
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  });

  it("P3 does not abort when its call had ended before", async () => {
    const { results, call } = mapping(2);
    const { signal, resolve } = await call("a");
    resolve("A");
    (await call("c")).reject("failed");
    await expect(results).rejects.toBe("failed");
    expect(signal.aborted).toBe(false);
    expect((await call("b")).signal.reason).toBe("failed");
  });
});

it("P3 100 000 items leave nothing behind and keep to the limit", async () => {
  const { signal } = new AbortController();
  let running = 0;
  let most = 0;
  const fn = async (item: number) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return 2 * item;
  };
  const results = await mapConcurrent(Array(100_000).keys(), fn, { concurrency: 16, signal });
  expect(results.length).toBe(100_000);
  expect(results.every((result, index) => result === 2 * index)).toBe(true);
  expect(most).toBe(16);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
