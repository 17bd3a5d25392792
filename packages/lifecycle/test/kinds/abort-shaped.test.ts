// W2: which errors only say that somebody was told to end.

import { describe, expect, it } from "vitest";
import { isAbortShaped } from "../../src/kinds/abort-shaped.ts";

const reasons = { signal: new Error("stop"), draining: new Error("drain") };
const context = (aborted: { readonly signal?: boolean; readonly draining?: boolean }) => ({
  signal: aborted.signal ? AbortSignal.abort(reasons.signal) : new AbortController().signal,
  draining: aborted.draining ? AbortSignal.abort(reasons.draining) : new AbortController().signal,
});
const both = context({ signal: true, draining: true });
const because = (cause: unknown) => new Error("no", { cause });

describe("isAbortShaped", () => {
  it.each([
    ["the reason of signal", reasons.signal],
    ["the reason of draining", reasons.draining],
    ["an error that one of these caused", because(because(reasons.draining))],
    ["an AbortError", Object.assign(new Error("no"), { name: "AbortError" })],
    ["a DOMException of that name", new DOMException("no", "AbortError")],
    ["an error with the code ABORT_ERR", Object.assign(new Error("no"), { code: "ABORT_ERR" })],
    ["an error that an AbortError caused", because(new DOMException("no", "AbortError"))],
  ])("W2 knows %s", (_, error) => {
    expect(isAbortShaped(error, both)).toBe(true);
  });

  it.each([
    ["any other error", new Error("no")],
    ["an error like the reason", new Error("drain")],
    ["undefined", undefined],
    ["null", null],
    ["a string", "AbortError"],
    ["a timeout", new DOMException("no", "TimeoutError")],
  ])("W2 knows that this is none: %s", (_, error) => {
    expect(isAbortShaped(error, both)).toBe(false);
  });

  it("W2 takes the reason of a signal only once that has aborted", () => {
    expect(isAbortShaped(reasons.signal, context({ draining: true }))).toBe(false);
    expect(isAbortShaped(reasons.draining, context({ draining: true }))).toBe(true);
    expect(isAbortShaped(undefined, context({}))).toBe(false);
  });

  it("W2 comes to an end with causes that run in a circle, grow for ever, or throw", () => {
    const round = because(undefined);
    round.cause = because(round);
    class Growing extends Error {
      override get cause(): unknown {
        return new Growing();
      }
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const hostile of [round, new Growing(), proxy, because(proxy)]) {
      expect(isAbortShaped(hostile, both)).toBe(false);
    }
  });
});
