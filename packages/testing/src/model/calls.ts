// The calls of a run: what was asked of the runtime, by whom, until when it must settle, and how it did.

import { getEventListeners } from "node:events";
import type { FakeClock } from "@workerkit/contracts/fake-clock";
import { Violation } from "./invariants.ts";
import type { Operation } from "./plan.ts";

/** One call of the runtime. */
export interface Call {
  readonly name: Operation["do"];
  /** The worker that it names, if it names one. */
  readonly worker: string | undefined;
  readonly number: number;
  readonly atMs: number;
  readonly controller: AbortController | undefined;
  /** How long it may take, not counting the time for which the event loop was blocked. */
  readonly boundMs: number;
  /** What must come of it, if that is known: an error of this code, or nothing. */
  readonly mustFailWith: string | undefined;
  readonly mustDoNothing: boolean;
  /** Whether it concerns its worker alone, without dependencies or dependants. */
  readonly alone: boolean;
  /** The generation that it began by itself, if it did. */
  readonly begins: number | undefined;
  readonly blockedMs: number;
  outcome: { readonly ok: boolean; readonly value: unknown } | undefined;
  /** Whether the runtime has been asked: before that an abort leaves nothing behind. */
  begun: boolean;
  /** Whether it was pending at a quiet moment: what happened before it has been heard. */
  seen: boolean;
  /** Its signal has aborted. */
  left: boolean;
  /** Its signal has aborted while it waited, so it must end with the reason. */
  justAborted: boolean;
}

/** What is known of a call before it is made. */
export interface Asked {
  readonly name: Operation["do"];
  readonly worker?: string | undefined;
  readonly abortAfterMs?: number | undefined;
  readonly boundMs?: number | undefined;
  readonly mustFailWith?: string | undefined;
  readonly mustDoNothing?: boolean | undefined;
  readonly begins?: number | undefined;
  readonly alone?: boolean | undefined;
}

export class Calls {
  readonly #clock: FakeClock;
  readonly pending: Set<Call> = new Set();
  /** Those whose end nobody has looked at. */
  readonly #settled: Call[] = [];
  /** The latest stop of each worker that was not refused, by its number. */
  readonly #stops = new Map<string, number>();
  /** For how long the event loop was blocked so far. */
  blockedMs = 0;
  made = 0;
  readonly #reasons = new Map<unknown, Call>();

  readonly #left: (call: Call, certain: boolean) => void;

  /** `left` is told when a caller leaves whose operation may go on without him. */
  constructor(clock: FakeClock, left: (call: Call, certain: boolean) => void) {
    this.#clock = clock;
    this.#left = left;
  }

  /** Makes a call; its promise is watched until it settles. */
  make(asked: Asked, begin: (signal: AbortSignal | undefined) => Promise<unknown>): Call {
    const { name, worker, abortAfterMs, boundMs = Number.POSITIVE_INFINITY } = asked;
    const controller = abortAfterMs === undefined ? undefined : new AbortController();
    const call: Call = {
      ...{ name, worker, controller, boundMs, number: this.made++ },
      mustFailWith: asked.mustFailWith,
      mustDoNothing: asked.mustDoNothing ?? false,
      begins: asked.begins,
      alone: asked.alone ?? false,
      ...{ atMs: this.#clock.monotonicMs(), blockedMs: this.blockedMs },
      ...{ outcome: undefined, begun: false, seen: false, left: false, justAborted: false },
    };
    this.pending.add(call);
    if (abortAfterMs === 0) this.abort(call, false);
    call.begun = true;
    const end = (ok: boolean) => (value: unknown) => {
      call.outcome = { ok, value };
      this.pending.delete(call);
      this.#settled.push(call);
    };
    begin(controller?.signal).then(end(true), end(false));
    if (controller !== undefined && abortAfterMs && abortAfterMs !== Number.POSITIVE_INFINITY) {
      this.#clock.setTimeout(() => this.abort(call, true), abortAfterMs, {
        label: "a caller leaves",
      });
    }
    return call;
  }

  /** Aborts the signal of a call, if it has one; `certain` where nothing else can have settled it in this very moment. */
  abort(call: Call, certain: boolean): void {
    const { controller, name, number } = call;
    if (controller === undefined || controller.signal.aborted || call.outcome !== undefined) return;
    const reason = new Error(`the caller of ${name} (${number}) left`);
    this.#reasons.set(reason, call);
    call.left = true;
    call.justAborted = certain;
    if (call.begun && !WAITS.has(name)) this.#left(call, certain);
    controller.abort(reason);
  }

  /** Those that wait for something that is not yet, as a worker in transition. */
  busyWith(names: ReadonlySet<Operation["do"]>): boolean {
    for (const { name } of this.pending) if (names.has(name)) return true;
    return false;
  }

  /** Looks at all calls at a quiet moment. Throws a `Violation`. */
  check(): void {
    const now = this.#clock.monotonicMs();
    for (const call of this.#settled) if (call.outcome?.ok) this.#noteStop(call);
    for (const call of this.pending) this.#noteStop(call);
    for (const call of this.pending) {
      call.seen = true;
      const { name, worker = "", mustFailWith, mustDoNothing, boundMs, atMs, blockedMs } = call;
      const what = `${name} ${worker}`.trim();
      if (call.left && name !== "shutdown") {
        throw new Violation(19, `${what} goes on after its caller has left`);
      }
      if (mustFailWith !== undefined) {
        throw new Violation(16, `${what} was not refused with ${mustFailWith}`);
      }
      if (mustDoNothing) throw new Violation(16, `${what} had nothing to do and did not resolve`);
      if (name === "start" && call.alone && call.number < (this.#stops.get(worker) ?? -1)) {
        throw new Violation(10, `${what} still waits although its stop was called after it`);
      }
      const tookMs = now - atMs - (this.blockedMs - blockedMs);
      if (tookMs > boundMs) {
        throw new Violation(10, `${what} has taken ${tookMs} ms, and may take ${boundMs} ms`);
      }
    }
    for (const call of this.#settled.splice(0)) this.#checkSettled(call);
  }

  #noteStop({ name, worker, number }: Call): void {
    if (name !== "stop" || worker === undefined) return;
    this.#stops.set(worker, Math.max(number, this.#stops.get(worker) ?? -1));
  }

  #checkSettled(call: Call): void {
    const { name, worker = "", outcome, controller, mustFailWith, mustDoNothing } = call;
    const what = `${name} ${worker}`.trim();
    const error = outcome?.ok === false ? outcome.value : undefined;
    const left = error === undefined ? undefined : this.#reasons.get(error);
    if (left !== undefined && (left !== call || name === "shutdown")) {
      throw new Violation(
        19,
        `${what} (${call.number}) ended because the caller of ${left.name} (${left.number}) left`,
      );
    }
    if (call.justAborted && name !== "shutdown" && left !== call) {
      throw new Violation(19, `${what} did not reject with the reason of its signal`);
    }
    if (controller !== undefined && getEventListeners(controller.signal, "abort").length > 0) {
      throw new Violation(15, `${what} has settled and still listens to its signal`);
    }
    if (left === call) return;
    const code = codeOf(error);
    if (mustFailWith !== undefined && code !== mustFailWith) {
      throw new Violation(
        16,
        `${what} ended with ${outcome?.ok ? "success" : code}, not with ${mustFailWith}`,
      );
    }
    if (mustDoNothing && outcome?.ok !== true) {
      throw new Violation(16, `${what} had nothing to do and failed with ${code}`);
    }
  }
}

const WAITS: ReadonlySet<Operation["do"]> = new Set(["wait idle", "wait all idle", "when ready"]);

/** The code of an error, or what it is. */
export function codeOf(error: unknown): string {
  try {
    return String((error as { readonly code?: unknown } | undefined)?.code ?? error);
  } catch {
    return "something unreadable";
  }
}
