// A plain model of one call beside the real one: random operations, limits and aborts, on a clock that stands still.

import { getEventListeners } from "node:events";
import { isWorkerkitError, Panic, withFatal } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { attempts, constant, type RetryAttempt, retry } from "@workerkit/retry";
import fc from "fast-check";
import { AbortError } from "p-retry";
import { expect, it } from "vitest";

type Kind = "value" | "error" | "TypeError" | "text" | "panic" | "fatal" | "AbortError";

/** What the operation does in one attempt. */
interface Script {
  readonly kind: Kind;
  /** Ms until it settles by itself; undefined hangs. */
  readonly afterMs: number | undefined;
  /** Whether it rejects with the reason as soon as its signal aborts. */
  readonly obeys: boolean;
}

interface Scenario {
  readonly scripts: readonly Script[];
  readonly n: number;
  readonly delayMs: number;
  readonly attemptTimeoutMs: number | undefined;
  readonly graceMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortAtMs: number | undefined;
}

/** How a call went. `TIMEOUT` is followed by what lies beneath it. */
interface Story {
  readonly begunAtMs: number[];
  readonly endedAtMs: number;
  readonly end: string;
}

/** Operations end a little after whole ms and aborts come at half ones, so that no two things fall due at once. */
const AFTER_A_WHOLE_MS = 1 / 1024;
const FINAL: readonly string[] = ["panic", "fatal", "AbortError", "ABANDONED"];
const never = Number.POSITIVE_INFINITY;

function model(scenario: Scenario): Story {
  const { n, scripts, delayMs, graceMs, abortAtMs = never, deadlineMs = never } = scenario;
  const begunAtMs: number[] = [];
  let now = 0;
  for (let attempt = 1; ; attempt++) {
    if (now > abortAtMs) return { begunAtMs, endedAtMs: abortAtMs, end: "aborted" };
    begunAtMs.push(now);
    const { kind, obeys, afterMs = never } = scripts[(attempt - 1) % scripts.length] as Script;
    const endsAtMs = now + afterMs;
    // No clock fires within less than a millisecond.
    const limitAtMs =
      now + Math.max(1, Math.min(scenario.attemptTimeoutMs ?? never, deadlineMs - now));
    const graceAtMs = limitAtMs + Math.max(1, graceMs);
    let end: string = kind;
    let endedAtMs = endsAtMs;
    if (endsAtMs > limitAtMs && obeys) {
      end = "TIMEOUT";
      endedAtMs = limitAtMs;
    } else if (endsAtMs > graceAtMs) {
      end = "ABANDONED";
      endedAtMs = graceAtMs;
    } else if (endsAtMs > limitAtMs && kind !== "value") {
      end = `TIMEOUT ${kind}`;
    }
    if (endedAtMs > abortAtMs) return { begunAtMs, endedAtMs: abortAtMs, end: "aborted" };
    const final = FINAL.some((word) => end.endsWith(word)) || end === "value" || attempt === n;
    if (final || delayMs >= deadlineMs - endedAtMs) return { begunAtMs, endedAtMs, end };
    now = endedAtMs + Math.max(1, delayMs);
    if (deadlineMs <= now && now < abortAtMs) return { begunAtMs, endedAtMs: now, end };
  }
}

const original = new Error("the original of an AbortError");
const THROWN: Readonly<Record<Exclude<Kind, "value">, unknown>> = {
  error: new Error("error"),
  TypeError: new TypeError("TypeError"),
  text: "text",
  panic: new Panic("panic"),
  fatal: withFatal(new Error("fatal")),
  AbortError: new AbortError(original),
};

function kindOf(thrown: unknown): string {
  if (thrown === original) return "AbortError";
  const known = Object.entries(THROWN).find(([, value]) => value === thrown);
  return known?.[0] ?? String(thrown);
}

function endOf(thrown: unknown, reason: unknown): string {
  if (thrown === reason) return "aborted";
  if (isWorkerkitError(thrown, "ABANDONED")) return "ABANDONED";
  if (!isWorkerkitError(thrown, "TIMEOUT")) return kindOf(thrown);
  return "cause" in thrown ? `TIMEOUT ${kindOf(thrown.cause)}` : "TIMEOUT";
}

function perform(clock: FakeClock, script: Script, attempt: RetryAttempt): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = () => (script.kind === "value" ? resolve("value") : reject(THROWN[script.kind]));
    if (script.afterMs !== undefined)
      clock.setTimeout(settle, script.afterMs, { label: "the operation" });
    if (!script.obeys) return;
    const { signal } = attempt;
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function real(scenario: Scenario): Promise<Story> {
  const clock = createFakeClock();
  const controller = new AbortController();
  const reason = Symbol("the caller has gone");
  const begunAtMs: number[] = [];
  const { abortAtMs, scripts, n, delayMs, attemptTimeoutMs, graceMs, deadlineMs } = scenario;
  if (abortAtMs !== undefined) clock.setTimeout(() => controller.abort(reason), abortAtMs);
  let endedAtMs = 0;
  const call = retry(
    (attempt) => {
      begunAtMs.push(clock.monotonicMs());
      const script = scripts[(attempt.attempt - 1) % scripts.length] as Script;
      return perform(clock, script, attempt);
    },
    {
      policy: attempts(n, constant(delayMs)),
      clock,
      attemptTimeoutMs,
      graceMs,
      deadlineMs,
      ...(abortAtMs === undefined ? {} : { signal: controller.signal }),
    },
  ).finally(() => {
    endedAtMs = clock.monotonicMs();
  });
  const end = await clock.settle(call).catch((thrown: unknown) => endOf(thrown, reason));
  const left = clock.pending().filter(({ label }) => label.includes("retr"));
  expect(left).toEqual([]);
  if (!controller.signal.aborted) {
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  }
  await clock.advance(100_000); // late results reach nobody, and go unhandled nowhere
  return { begunAtMs, endedAtMs, end };
}

const wholeMs = (max: number) => fc.integer({ min: 1, max });
const script: fc.Arbitrary<Script> = fc.record({
  kind: fc.constantFrom<Kind>(
    "value",
    "error",
    "error",
    "TypeError",
    "text",
    "panic",
    "fatal",
    "AbortError",
  ),
  afterMs: fc.option(
    wholeMs(300).map((ms) => ms + AFTER_A_WHOLE_MS),
    { nil: undefined, freq: 8 },
  ),
  obeys: fc.boolean(),
});
const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    scripts: fc.array(script, { minLength: 1, maxLength: 6 }),
    n: fc.integer({ min: 1, max: 8 }),
    delayMs: fc.integer({ min: 0, max: 200 }),
    attemptTimeoutMs: fc.option(wholeMs(300), { nil: undefined }),
    graceMs: fc.integer({ min: 0, max: 200 }),
    deadlineMs: fc.option(wholeMs(1000), { nil: undefined }),
    abortAtMs: fc.option(
      wholeMs(1000).map((ms) => ms + 0.5),
      { nil: undefined },
    ),
  })
  // What hangs without any limit hangs, as it should: no model of that settles.
  .filter(
    ({ scripts, attemptTimeoutMs, deadlineMs, abortAtMs }) =>
      (attemptTimeoutMs ?? deadlineMs ?? abortAtMs) !== undefined ||
      scripts.every(({ afterMs }) => afterMs !== undefined),
  );

it("P2 a call goes as its plain model says, attempt by attempt and to the millisecond", async () => {
  const ends = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const story = await real(given);
      ends.add(story.end);
      expect(story).toEqual(model(given));
    }),
    { numRuns: 5000 },
  );
  for (const end of ["value", "error", "TypeError", "text", "panic", "fatal", "AbortError"]) {
    expect(ends).toContain(end);
  }
  for (const end of ["TIMEOUT", "TIMEOUT error", "ABANDONED", "aborted"])
    expect(ends).toContain(end);
});
