import { getEventListeners } from "node:events";
import { onAbort, type Unsubscribe } from "@workerkit/contracts";
import { describe, expect, it, vi } from "vitest";
import { uncaughtDuring } from "./uncaught.ts";

const listenersOn = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("onAbort", () => {
  it("calls its listeners once, in the order of subscription", () => {
    const controller = new AbortController();
    const heard: string[] = [];
    for (const name of ["a", "b", "c"]) onAbort(controller.signal, () => heard.push(name));
    expect(heard).toEqual([]);
    controller.abort();
    controller.abort();
    controller.signal.dispatchEvent(new Event("abort"));
    expect(heard).toEqual(["a", "b", "c"]);
  });

  it("calls the listener at once when the signal has aborted already", () => {
    const listener = vi.fn();
    const unsubscribe = onAbort(AbortSignal.abort(), listener);
    expect(listener).toHaveBeenCalledTimes(1);
    unsubscribe();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("lets one function wait twice, and each subscription be taken back by itself", () => {
    const controller = new AbortController();
    const listener = vi.fn();
    const first = onAbort(controller.signal, listener);
    onAbort(controller.signal, listener);
    first();
    first();
    controller.abort();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("keeps one real listener for 100 000 waiters, and none when the last has gone", () => {
    const warned = vi.spyOn(process, "emitWarning");
    const { signal } = new AbortController();
    const listener = vi.fn();
    const waiting: Unsubscribe[] = [];
    for (let i = 0; i < 100_000; i++) waiting.push(onAbort(signal, listener));
    expect(listenersOn(signal)).toBe(1);
    const last = waiting.pop();
    // A list searched for each waiter would run into the time limit of the test here.
    for (const unsubscribe of waiting) unsubscribe();
    expect(listenersOn(signal)).toBe(1);
    last?.();
    expect(listenersOn(signal)).toBe(0);
    expect(listener).not.toHaveBeenCalled();
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it("calls exactly those of 100 000 waiters that did not unsubscribe, and leaves nothing behind", () => {
    const controller = new AbortController();
    const called = new Uint8Array(100_000);
    const waiting: Unsubscribe[] = [];
    for (let i = 0; i < called.length; i++) {
      waiting.push(
        onAbort(controller.signal, () => {
          called[i] = (called[i] ?? 0) + 1;
        }),
      );
    }
    for (let i = 0; i < waiting.length; i += 2) waiting[i]?.();
    controller.abort();
    expect(called.every((times, i) => times === i % 2)).toBe(true);
    expect(listenersOn(controller.signal)).toBe(0);
    for (const unsubscribe of waiting) unsubscribe();
    expect(called.every((times, i) => times === i % 2)).toBe(true);
  });

  it("listens anew after its last waiter has gone", () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => {})();
    const listener = vi.fn();
    onAbort(controller.signal, listener);
    expect(listenersOn(controller.signal)).toBe(1);
    controller.abort();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("hears the abort of a signal on which somebody played an abort event before", () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => {});
    controller.signal.dispatchEvent(new Event("abort"));
    const listener = vi.fn();
    onAbort(controller.signal, listener);
    controller.abort();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("spares a waiter that an earlier one unsubscribes while the signal aborts", () => {
    const controller = new AbortController();
    const heard: string[] = [];
    onAbort(controller.signal, () => {
      heard.push("first");
      spared();
    });
    const spared = onAbort(controller.signal, () => heard.push("spared"));
    onAbort(controller.signal, () => heard.push("last"));
    onAbort(controller.signal, () => alsoSpared());
    const alsoSpared = onAbort(controller.signal, () => heard.push("also spared"));
    controller.abort();
    expect(heard).toEqual(["first", "last"]);
    expect(listenersOn(controller.signal)).toBe(0);
  });

  it("calls a waiter that joins while the signal aborts, once", () => {
    const controller = new AbortController();
    const joined = vi.fn();
    onAbort(controller.signal, () => onAbort(controller.signal, joined));
    controller.abort();
    expect(joined).toHaveBeenCalledTimes(1);
    expect(listenersOn(controller.signal)).toBe(0);
  });

  it("lets a listener that throws starve nobody, nor throw into abort(): the error is an uncaught exception", async () => {
    const controller = new AbortController();
    const heard: string[] = [];
    onAbort(controller.signal, () => {
      throw new Error("from the first");
    });
    onAbort(controller.signal, () => heard.push("second"));
    const uncaught = await uncaughtDuring(() => {
      controller.abort();
      expect(heard).toEqual(["second"]);
    });
    expect(uncaught).toEqual([new Error("from the first")]);
  });

  it("treats a listener that throws alike when the signal has aborted already", async () => {
    const uncaught = await uncaughtDuring(() => {
      onAbort(AbortSignal.abort(), () => {
        throw new Error("at once");
      });
    });
    expect(uncaught).toEqual([new Error("at once")]);
  });

  it("keeps the waiters of two signals apart", () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const heard: string[] = [];
    onAbort(one.signal, () => heard.push("one"));
    onAbort(two.signal, () => heard.push("two"));
    two.abort();
    expect(heard).toEqual(["two"]);
    expect(listenersOn(one.signal)).toBe(1);
  });
});
