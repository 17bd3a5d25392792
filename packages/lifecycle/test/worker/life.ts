// One worker under random operations, with hooks that do anything: what happens is watched from outside, rule by rule.

import type { WorkerState } from "@workerkit/contracts";
import type { Lease, WorkerContext } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { expect } from "vitest";
import { type Behaviour, behave } from "./behaviour.ts";
import { gate } from "./gate.ts";
import { type Watched, watch } from "./outcome.ts";
import { checkFold, checkWalk, type Hook, type Rig, rig } from "./rig.ts";

/** What is done to a worker: by a caller, from inside a hook, or when a signal aborts. */
export type Action =
  | { readonly do: "start" | "drain" | "stop"; readonly abortable?: boolean }
  | { readonly do: "startAll" | "stopAll" }
  | { readonly do: "shutdown"; readonly timeoutMs: number }
  | { readonly do: "abort" | "release"; readonly pick: number }
  | { readonly do: "admit" }
  | {
      readonly do: "setReady" | "setAcceptingWork";
      readonly claim: boolean;
      readonly pick: number;
    }
  | { readonly do: "reportFailure" | "requestStop"; readonly pick: number };

/** What a hook does: something in the call itself, then a behaviour; and something when a signal of its context aborts. */
export interface HookPlan {
  readonly behaviour: Behaviour;
  readonly inside?: Action | undefined;
  readonly onAbort?: { readonly of: "signal" | "draining"; readonly action: Action } | undefined;
}

export interface Plan {
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly graceMs: number;
  readonly startAttempts: number;
  readonly restarts: number | undefined;
  readonly hasDrain: boolean;
  readonly hooks: readonly HookPlan[];
}

const DELAY_MS = 40;
const WINDOW_MS = 2_000;

interface Call {
  readonly what: string;
  readonly calledAt: number;
  readonly within: number;
  readonly watched: Watched;
  settledAt: number | undefined;
  readonly caller: AbortController | undefined;
}

interface RunningHook {
  readonly name: "start" | "drain" | "stop";
  abortedAt: number | undefined;
}

export class Life {
  readonly rig: Rig;
  readonly #plan: Plan;
  readonly #calls: Call[] = [];
  readonly #leases: Lease[] = [];
  readonly #running = new Set<RunningHook>();
  readonly #healed = gate();
  #isHealed = false;
  #hook = 0;
  #depth = 0;
  #inside = 0;
  /** Whether a shutdown ever cut the graces short. */
  #hurried = false;
  /** What broke inside a hook or a listener, where a failed expectation would only be another error of the worker. */
  readonly broken: string[] = [];

  constructor(plan: Plan) {
    this.#plan = plan;
    const { hooks: _, hasDrain, restarts, startAttempts, ...limits } = plan;
    this.rig = rig({
      ...limits,
      startRetry: {
        nextDelayMs: (attempt) => (attempt < startAttempts ? DELAY_MS : undefined),
      },
      ...(restarts !== undefined && {
        restart: { backoff: constant(DELAY_MS), maxRestarts: restarts, withinMs: WINDOW_MS },
      }),
      start: (ctx, call) => this.#run("start", ctx, call),
      ...(hasDrain && { drain: (ctx, call) => this.#run("drain", ctx, call) }),
      stop: (ctx, call) => this.#run("stop", ctx, call),
    });
  }

  get outcomes(): string[] {
    return this.#calls.map(({ what, watched }) => `${what} ${String(watched.now())}`);
  }

  perform(action: Action): void {
    const { runtime, contexts } = this.rig;
    switch (action.do) {
      case "start":
      case "drain":
      case "stop": {
        const caller = action.abortable ? new AbortController() : undefined;
        const within = this.#limitOf(action.do);
        this.#call(action.do, within, runtime[action.do]("w", { signal: caller?.signal }), caller);
        return;
      }
      case "startAll":
      case "stopAll":
        this.#call(action.do, Number.POSITIVE_INFINITY, runtime[action.do]());
        return;
      case "shutdown":
        this.#hurried = true;
        this.#call(
          "shutdown",
          action.timeoutMs + 1_000,
          runtime.shutdown({ timeoutMs: action.timeoutMs }),
        );
        return;
      case "abort":
        pick(
          this.#calls.filter(({ settledAt }) => settledAt === undefined),
          action.pick,
        )?.caller?.abort("enough");
        return;
      case "release":
        pick(this.#leases, action.pick)?.release();
        return;
      case "admit": {
        const lease = contexts.start.at(-1)?.admit();
        if (lease !== undefined) this.#leases.push(lease);
        return;
      }
      default: {
        const ctx = pick(contexts.start, action.pick);
        if (ctx !== undefined) this.#say(ctx, action);
      }
    }
  }

  /** Invariants that hold at every quiet moment. */
  check(): void {
    const { heard, status, clock } = this.rig;
    if (this.broken.length > 0) expect(this.broken).toEqual([]);
    checkWalk(heard, "w");
    checkFold(heard, status());
    const { state, ready, acceptingWork, inFlight, abandoned } = status();
    if (state !== "running" && (ready || acceptingWork)) expect.fail(`ready while ${state}`);
    if (inFlight < 0 || abandoned < 0) expect.fail(`${inFlight} in flight, ${abandoned} abandoned`);
    const now = clock.monotonicMs();
    for (const call of this.#calls) {
      const took = (call.settledAt ?? now) - call.calledAt;
      if (took > call.within)
        expect.fail(`${call.what} called at ${call.calledAt} took ${took} ms`);
    }
    this.#checkWindow();
  }

  /** Heals all faults; then everything must end, and the worker must run and stop as if nothing had been (22, 15). */
  async end(): Promise<void> {
    const { clock, runtime, state } = this.rig;
    this.#isHealed = true;
    this.#healed.open(undefined);
    await clock.advance(60_000);
    for (const lease of this.#leases) lease.release();
    await clock.advance(60_000);
    this.check();
    for (const { what, watched } of this.#calls) expect(watched.now(), what).not.toBe("pending");
    const stop = watch(runtime.stop("w"));
    await clock.advance(60_000);
    expect(stop.now()).toBe("done");
    expect(["registered", "stopped"]).toContain(state());
    const start = watch(runtime.start("w"));
    await clock.advance(60_000);
    expect([start.now(), state()]).toEqual(["done", "running"]);
    expect(this.rig.status()).toMatchObject({ inFlight: 0, abandoned: 0 });
    await this.rig.end();
  }

  #run(...[name, ctx, call]: ["start" | "drain" | "stop", ...Parameters<Hook>]): unknown {
    this.#checkOverlap(name);
    const running: RunningHook = { name, abortedAt: undefined };
    this.#running.add(running);
    const { clock } = this.rig;
    call.signal.addEventListener("abort", () => {
      running.abortedAt = clock.monotonicMs();
    });
    const plan = this.#plan.hooks[this.#hook++ % this.#plan.hooks.length];
    const { behaviour = "returns", inside, onAbort } = (!this.#isHealed && plan) || {};
    if (onAbort !== undefined) {
      ctx[onAbort.of].addEventListener("abort", () => this.#performInside(onAbort.action));
    }
    const result = this.#settle(behaviour, ctx, call);
    const gone = () => this.#running.delete(running);
    result.then(gone, gone);
    if (inside !== undefined) this.#performInside(inside);
    return result;
  }

  /** A hook that hangs does so until it is healed. */
  async #settle(behaviour: Behaviour, ...[ctx, call]: Parameters<Hook>): Promise<unknown> {
    const healed = this.#healed.promise;
    return Promise.race([behave(behaviour, this.rig.clock)(ctx, call), healed]);
  }

  #performInside(action: Action): void {
    // Hooks that ask for one another would go on for ever without any time passing.
    if (this.#isHealed || this.#depth > 3 || this.#inside > 40) return;
    this.#inside += 1;
    this.#depth += 1;
    try {
      this.perform(action);
    } catch (error) {
      this.broken.push(`${action.do} from inside threw ${String(error)}`);
    } finally {
      this.#depth -= 1;
    }
  }

  /** Lifecycle code never overlaps itself, except a stop hook beside abandoned start or drain code (12). */
  #checkOverlap(name: RunningHook["name"]): void {
    const { clock } = this.rig;
    for (const other of this.#running) {
      const { abortedAt = Number.POSITIVE_INFINITY } = other;
      const grace = this.#hurried ? 0 : this.#plan.graceMs;
      const abandoned = clock.monotonicMs() - abortedAt >= grace;
      if (name === "stop" && other.name !== "stop" && abandoned) continue;
      this.broken.push(`${name} began at ${clock.monotonicMs()} beside ${other.name}`);
    }
  }

  /** An ended generation changes nothing (9): what a context says that is not the last one's. */
  #say(ctx: WorkerContext<unknown>, action: Action): void {
    const { status, contexts, events } = this.rig;
    const stale = ctx !== contexts.start.at(-1);
    const before = JSON.stringify(status());
    const told = events.length;
    const counted =
      action.do === "setReady" || action.do === "setAcceptingWork"
        ? ctx[action.do](action.claim)
        : action.do === "requestStop"
          ? ctx.requestStop("enough")
          : ctx.reportFailure(new Error("reported"));
    if (!stale) return;
    if (counted) this.broken.push(`${action.do} of an ended generation counted`);
    if (before !== JSON.stringify(status())) this.broken.push(`${action.do} changed the status`);
    if (told !== events.length) this.broken.push(`${action.do} was told`);
  }

  #call(what: string, within: number, promise: Promise<unknown>, caller?: AbortController): void {
    const calledAt = this.rig.clock.monotonicMs();
    const call: Call = {
      what,
      calledAt,
      within,
      watched: watch(promise),
      settledAt: undefined,
      caller,
    };
    const settled = () => {
      call.settledAt = this.rig.clock.monotonicMs();
    };
    promise.then(settled, settled);
    this.#calls.push(call);
  }

  /** In what time an operation settles that is called now, as far as that is known now (10). */
  #limitOf(operation: "start" | "drain" | "stop"): number {
    const { drainTimeoutMs, stopTimeoutMs, startTimeoutMs, graceMs, startAttempts } = this.#plan;
    const stopHook = stopTimeoutMs + graceMs;
    const { state } = this.rig.status();
    const free = this.#calls.every(({ watched }) => watched.now() !== "pending");
    if (operation === "stop") return SLACK_MS + this.#stopLimit(state, stopHook, drainTimeoutMs);
    if (!free || this.#depth > 0) return Number.POSITIVE_INFINITY;
    if (operation === "drain")
      return state === "running" ? SLACK_MS + stopHook : Number.POSITIVE_INFINITY;
    if (!["registered", "stopped", "failed"].includes(state)) return Number.POSITIVE_INFINITY;
    const attempts = startAttempts * (startTimeoutMs + graceMs + DELAY_MS);
    // A drain whose worker failed, or a cleanup that nobody waits for, may still hold the turn.
    return SLACK_MS + 2 * stopHook + graceMs + attempts;
  }

  #stopLimit(state: WorkerState, stopHook: number, drainTimeoutMs: number): number {
    const { graceMs } = this.#plan;
    if (state === "running") return drainTimeoutMs + 2 * graceMs + stopHook;
    if (state === "starting" || state === "restarting") return graceMs + stopHook;
    // It may wait for an earlier run of the stop hook before its own.
    return drainTimeoutMs + 2 * graceMs + 2 * stopHook;
  }

  /** Restarts in any window never exceed maxRestarts (14). */
  #checkWindow(): void {
    const { restarts } = this.#plan;
    const times = this.rig.heard.flatMap(([name, event]) =>
      name === "worker:transition" && event.from === "restarting" && event.to === "starting"
        ? [event.at]
        : [],
    );
    if (restarts === undefined && times.length > 0) expect.fail("it restarted");
    if (restarts === undefined) return;
    for (const at of times) {
      const within = times.filter((other) => other >= at && other < at + WINDOW_MS);
      if (within.length > restarts) expect.fail(`restarts at ${within.join()}`);
    }
  }
}

/** Timers wait 1 ms at the least, so that a limit of 0 is 1 in each phase. */
const SLACK_MS = 10;

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}
