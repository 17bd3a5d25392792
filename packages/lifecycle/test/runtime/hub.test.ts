import type { LifecycleOptions } from "@workerkit/lifecycle";
import Emittery from "emittery";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { THROWN, wrong } from "../hostile.ts";
import { countedSignal } from "./counted-signal.ts";
import { eventHub, stall, type TestHub } from "./event-hub.ts";

let { clock, events, sink, errors }: TestHub = eventHub();

const fresh = (options: Partial<LifecycleOptions> = {}) => {
  ({ clock, events, sink, errors } = eventHub(options));
};

beforeEach(() => fresh());
afterEach(() => vi.restoreAllMocks());

const emit = (number: number) => sink.emit("worker:stall", stall(number));

const numbers = (heard: number[]) => (event: { readonly silentMs: number }) => {
  heard.push(event.silentMs);
};

const thenable = (then: () => void) => ({ then });

const oneToTen = Array.from({ length: 10 }, (_, index) => index + 1);

describe("listeners", () => {
  it("hear every event once, in the order of emission, each for itself", async () => {
    const heard: Record<string, number[]> = { plain: [], async: [], slow: [], any: [] };
    const into = (who: string) => numbers(heard[who] ?? []);
    events.on("worker:stall", into("plain"));
    events.on("worker:stall", async (event) => {
      await undefined;
      into("async")(event);
    });
    events.on("worker:stall", (event) => {
      into("slow")(event);
      return new Promise((resolve) => clock.setTimeout(() => resolve(1), 100 / event.silentMs));
    });
    events.onAny((_, event) => into("any")(wrong(event)));
    for (const number of oneToTen) {
      emit(number);
      if (number === 5) await clock.advance(30);
    }
    await clock.advance(200);
    expect(heard).toEqual({ plain: oneToTen, async: oneToTen, slow: oneToTen, any: oneToTen });
  });

  it("of different names hear theirs only, in one order across the names", async () => {
    const order: string[] = [];
    events.on("worker:stall", () => order.push("stall"));
    events.on("check:end", () => order.push("check"));
    const end = { ...stall(1), outcome: "pass", durationMs: 1 } as const;
    emit(1);
    sink.emit("check:end", end);
    sink.emit("check:end", end);
    emit(2);
    sink.emit("worker:admission", { ...stall(1), acceptingWork: true });
    await clock.flush();
    expect(order).toEqual(["stall", "check", "check", "stall"]);
  });

  it("are never called inside emit", async () => {
    const heard: number[] = [];
    events.on("worker:stall", numbers(heard));
    emit(1);
    expect(heard).toEqual([]);
    await clock.flush();
    expect(heard).toEqual([1]);
  });

  it("may be one function twice, and are taken back one by one", async () => {
    const heard: number[] = [];
    const listener = numbers(heard);
    const off = events.on("worker:stall", listener);
    events.on("worker:stall", listener);
    emit(1);
    await clock.flush();
    off();
    off();
    emit(2);
    await clock.flush();
    expect(heard).toEqual([1, 1, 2]);
    expect(sink.wants("worker:stall")).toBe(true);
  });

  it("that unsubscribe inside a listener hear nothing more, and disturb nobody", async () => {
    const heard: string[] = [];
    const offs: (() => void)[] = [];
    for (const who of ["a", "b", "c"]) {
      offs.push(
        events.on("worker:stall", ({ silentMs }) => {
          heard.push(`${who}${silentMs}`);
          if (who !== "a") return;
          // Itself, and one whose turn for this very event is still to come.
          offs[0]?.();
          offs[1]?.();
        }),
      );
    }
    emit(1);
    emit(2);
    await clock.flush();
    expect(heard).toEqual(["a1", "c1", "c2"]);
  });

  it("that subscribe inside a listener hear the next event first", async () => {
    const heard: number[] = [];
    const off = events.on("worker:stall", () => {
      off();
      events.on("worker:stall", numbers(heard));
    });
    emit(1);
    await clock.flush();
    emit(2);
    await clock.flush();
    expect(heard).toEqual([2]);
  });

  it("hear nothing of what was emitted before they came", async () => {
    const heard: number[] = [];
    events.on("worker:stall", () => {});
    emit(1);
    events.on("worker:stall", numbers(heard));
    await clock.flush();
    expect(heard).toEqual([]);
  });
});

describe("once", () => {
  it("resolves with the next event, and then listens no more", async () => {
    const next = events.once("worker:stall");
    expect(sink.wants("worker:stall")).toBe(true);
    emit(1);
    emit(2);
    expect((await next).silentMs).toBe(1);
    expect(sink.wants("worker:stall")).toBe(false);
  });

  it("rejects with the reason of its signal, and leaves no listener on either side", async () => {
    const { signal, controller, listeners } = countedSignal();
    const next = events.once("worker:stall", { signal });
    expect(listeners()).toBe(1);
    const reason = { given: "up" };
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(sink.wants("worker:stall")).toBe(false);
    await expect(events.once("worker:stall", { signal })).rejects.toBe(reason);
    expect(sink.wants("worker:stall")).toBe(false);
  });

  it("leaves no listener on its signal when the event came", async () => {
    const { signal, listeners } = countedSignal();
    const next = events.once("worker:stall", { signal });
    emit(1);
    await next;
    expect(listeners()).toBe(0);
  });

  it("that is refused listens to nothing", async () => {
    const { signal, controller, listeners } = countedSignal();
    await expect(events.once(wrong("nothing"), { signal })).rejects.toThrow("name is");
    expect(listeners()).toBe(0);
    controller.abort();
    expect(() => events.on("worker:stall", () => {}, { when: wrong(1) })).toThrow("when");
    expect(sink.wants("worker:stall")).toBe(false);
    emit(1);
    await clock.flush();
  });
});

describe("when", () => {
  it("lets wants be false while every listener's says no", async () => {
    const heard: string[] = [];
    const says = { a: false, b: false };
    events.on("worker:stall", () => heard.push("a"), { when: () => says.a });
    events.onAny(() => heard.push("b"), { when: () => says.b });
    const emits = vi.spyOn(Emittery.prototype, "emit");
    expect(sink.wants("worker:stall")).toBe(false);
    emit(1);
    says.b = true;
    expect(sink.wants("worker:stall")).toBe(true);
    expect(sink.wants("check:end")).toBe(true);
    says.b = false;
    says.a = true;
    expect(sink.wants("worker:stall")).toBe(true);
    expect(sink.wants("check:end")).toBe(false);
    expect(emits).not.toHaveBeenCalled();
    emit(2);
    await clock.flush();
    expect(emits).toHaveBeenCalledTimes(1);
    expect(heard).toEqual(["a", "b"]);
  });

  it.each([
    ...THROWN.map(([name, thrown]) => [
      `throws ${name}`,
      () => {
        throw thrown;
      },
    ]),
    ["returns undefined", () => undefined],
    ["returns a promise that rejects", () => Promise.reject(new Error("late"))],
  ] as [string, () => unknown][])("that %s costs no event", async (_, when) => {
    const heard: number[] = [];
    events.on("worker:stall", numbers(heard), { when: wrong(when) });
    emit(1);
    await clock.flush();
    expect(heard).toEqual([1]);
  });
});

describe("a listener that does wrong", () => {
  it.each(THROWN)("by throwing %s harms nobody, and is told of", async (_, thrown) => {
    const heard: number[] = [];
    events.on("worker:stall", numbers(heard));
    events.on("worker:stall", () => {
      throw thrown;
    });
    events.on("worker:stall", () => Promise.reject(thrown));
    events.on("worker:stall", numbers(heard));
    expect(emit(1)).toBe(undefined);
    await clock.flush();
    emit(2);
    await clock.flush();
    expect(heard).toEqual([1, 1, 2, 2]);
    expect(errors).toHaveLength(4);
    for (const [error, event] of errors) {
      expect(Object.is(error, thrown)).toBe(true);
      expect(event).toBe("worker:stall");
    }
  });

  it.each([
    ["a thenable that never settles", thenable(() => {})],
    [
      "a thenable that throws",
      thenable(() => {
        throw new Error("then");
      }),
    ],
    ["a symbol", Symbol("x")],
    ["a function", () => {}],
    ...THROWN,
  ] as [string, unknown][])("by returning %s harms nobody", async (_, returned) => {
    const heard: number[] = [];
    events.on("worker:stall", () => returned);
    events.on("worker:stall", numbers(heard));
    emit(1);
    await clock.flush();
    expect(heard).toEqual([1]);
  });

  it.each(THROWN)("is told of by a warning where nobody else is told: %s", async (_, thrown) => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    fresh({ onListenerError: undefined });
    events.on("worker:stall", () => {
      throw thrown;
    });
    emit(1);
    await clock.flush();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^A listener of worker:stall failed: /);
    expect(warn.mock.calls[0]?.[1]).toEqual({ code: "WORKERKIT_LISTENER" });
  });

  it("is told of by a warning when onListenerError throws or rejects", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const worse = new Error("worse");
    for (const handler of [
      () => {
        throw worse;
      },
      async () => {
        throw worse;
      },
    ]) {
      fresh({ onListenerError: handler });
      events.on("worker:stall", () => Promise.reject(new Error("first")));
      emit(1);
      await clock.flush();
    }
    expect(warn.mock.calls.map(([text]) => String(text).split("\n")[0])).toEqual([
      "A listener of worker:stall failed: Error: worse",
      "A listener of worker:stall failed: Error: worse",
    ]);
  });
});
