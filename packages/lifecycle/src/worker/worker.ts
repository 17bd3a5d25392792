/// <reference lib="esnext.disposable" preserve="true" />
// The contract between Workerkit and a worker: the hooks a worker has, and the context each of its generations gets.

import type { Clock, WorkerkitEvents } from "@workerkit/contracts";
import type { WorkerDefinition } from "./definition.ts";
import type { WorkerStatus } from "./status.ts";

/** A value, or a promise of one. */
export type MaybePromise<T> = T | Promise<T> | PromiseLike<T>;

/**
 * A long-lived component: any object with these hooks, a literal, a class instance or a kind such as `loop(run)`.
 * Write `start` first: its result is the state that the other hooks see.
 */
export interface Worker<State = unknown> {
  /** What status calls this sort of worker. Default `"worker"`. */
  readonly kind?: string | undefined;
  /** Gets the worker ready to work and returns its state; the worker runs once it settles. */
  readonly start: (ctx: WorkerContext<void>, call: HookCall) => MaybePromise<State>;
  /** Finishes what came in from outside; no new work is admitted any more. */
  readonly drain?: ((ctx: WorkerContext<NoInfer<State>>, call: HookCall) => unknown) | undefined;
  /** Gives back what `start` took; the state is undefined when `start` never returned one. */
  readonly stop: (ctx: WorkerContext<NoInfer<State> | undefined>, call: HookCall) => unknown;
}

/** One call of a hook. */
export interface HookCall {
  /** Aborts at the deadline of this call, or when its caller gives up. */
  readonly signal: AbortSignal;
}

/**
 * What one generation of a worker, one life from start to stop, can see and say.
 * Every method is bound and may be passed on. On an ended generation methods return `false`, `admit` undefined, and change nothing.
 */
export interface WorkerContext<State = unknown> {
  /** `runtime/worker`. */
  readonly name: string;
  /** The name of the worker within its runtime. */
  readonly localName: string;
  /** Which start of the worker this is, from 1. */
  readonly generation: number;
  /** Aborts when the generation stops or fails. */
  readonly signal: AbortSignal;
  /** Aborts when drain begins, before `signal`. */
  readonly draining: AbortSignal;
  /** What `start` returned. */
  readonly state: State;
  /** The clock of the runtime; everything that waits should wait on it. */
  readonly clock: Clock;
  /** How long code may go on after its signal aborted before it is abandoned, in ms. */
  readonly graceMs: number;
  /** A number from 0 to 1, of the runtime's source of chance. */
  readonly random: () => number;
  /** Says whether the worker is ready; `false` counts in starting, running, draining, `true` in starting and running. */
  readonly setReady: (ready: boolean) => boolean;
  /** Says whether the worker takes commands from outside; counts when `setReady` does. */
  readonly setAcceptingWork: (acceptingWork: boolean) => boolean;
  /** Reports that the worker cannot go on, whatever the error is. */
  readonly reportFailure: (error: unknown) => boolean;
  /** Says that the worker is alive and getting on, for `stallTimeoutMs`. */
  readonly heartbeat: () => boolean;
  /** Says whether a run is open that no lease stands for; `stallTimeoutMs` counts it like one. */
  readonly setBusy: (busy: boolean) => boolean;
  /** Opens a unit of work that drain waits for. Throws `INVALID_OPTION`. */
  readonly admit: (label?: string, options?: LeaseOptions) => Lease | undefined;
  /** Waits on the runtime's clock; rejects with the reason of `signal` when the generation ends. */
  readonly sleep: (delayMs: number) => Promise<void>;
  /** The state of a declared dependency; throws `INVALID_OPTION` if it is none, `INVALID_WORKER_STATE` if it is not running. */
  readonly use: <S>(worker: WorkerDefinition<S>) => S;
  /** Asks for the stop of this worker; returns at once. */
  readonly requestStop: (reason: string) => boolean;
  /** Asks for the shutdown of the runtime; returns at once. */
  readonly requestShutdown: (reason: string) => boolean;
  /** The status of this worker as operators see it. */
  readonly status: () => WorkerStatus;
  /** Puts fields of a kind's own into the worker's status. */
  readonly note: (fields: Readonly<Record<string, unknown>>) => boolean;
  /** Emits an event of a kind's own; the runtime fills in where it comes from and when. */
  readonly emit: <Name extends KindEvent>(
    name: Name,
    event: Omit<WorkerkitEvents[Name], "runtime" | "at" | "worker" | "generation">,
  ) => boolean;
}

/** The events that a kind may emit. */
export type KindEvent = "check:end";

/** The context of one unit of work, a stream item, a poll run or a task: its `signal` and `sleep` are those of its lease. */
export interface WorkContext<State = unknown> extends WorkerContext<State> {
  readonly lease: Lease;
}

/** How a unit of work is bounded, and what is called when it is told to end or left to itself. */
export interface LeaseOptions {
  /** How long it may take, in ms: then its signal aborts with `TIMEOUT`, and `graceMs` later it is abandoned. Default `Infinity`. */
  readonly timeoutMs?: number | undefined;
  /** Called once with the reason when its signal aborts; costs less than the signal. */
  readonly onAbort?: ((reason: unknown) => void) | undefined;
  /** Called once when it is abandoned: nothing waits for it any more. */
  readonly onAbandoned?: (() => void) | undefined;
}

/** One unit of work in flight. */
export interface Lease extends Disposable {
  readonly label: string;
  /** Aborts when the work must end: at its time limit, at the cut of a stop, or when the worker fails. */
  readonly signal: AbortSignal;
  /** Says that the work has ended; calling it again does nothing. */
  readonly release: () => void;
}
