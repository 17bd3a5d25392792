// The event contract: every event that any package emits, and how one listens to them.

/** Takes a subscription back; calling it again does nothing. */
export type Unsubscribe = () => void;

/** Any event of `E`: checking the name narrows the event. */
export type AnyEvent<E> = {
  [Name in keyof E]: [name: Name, event: E[Name]];
}[keyof E];

/** What a subscription can ask for. */
export interface ListenOptions {
  /** While this says false the listener counts as absent, so that nobody builds an event for it. */
  readonly when?: (() => boolean) | undefined;
}

/** Where events come from. Listeners hear them in the order of emission; what they throw or return holds up nobody. */
export interface EventSource<E> {
  /** Calls `listener` for every event of one name. */
  on<Name extends keyof E & string>(
    name: Name,
    listener: (event: E[Name]) => unknown,
    options?: ListenOptions,
  ): Unsubscribe;
  /** Calls `listener` for every event. */
  onAny(listener: (...event: AnyEvent<E>) => unknown, options?: ListenOptions): Unsubscribe;
  /** Resolves with the next event of one name; rejects with `signal.reason` when the signal aborts first. */
  once<Name extends keyof E & string>(
    name: Name,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<E[Name]>;
}

/** Where events go. */
export interface EventSink<E> {
  /** Tells every listener; never throws, never waits. */
  emit<Name extends keyof E & string>(name: Name, event: E[Name]): void;
  /** Whether anybody would hear this event: ask before building one. */
  wants(name: keyof E & string): boolean;
}

/** The state of a worker. */
export type WorkerState =
  | "registered"
  | "starting"
  | "running"
  | "restarting"
  | "draining"
  | "stopping"
  | "stopped"
  | "failed";

/** The state of a runtime: the most telling state among its workers, where `restarting` counts as `starting`. */
export type RuntimeState = Exclude<WorkerState, "restarting">;

/** What lifecycle code was doing when something happened. */
export type LifecyclePhase = "start" | "run" | "drain" | "stop" | "cleanup";

/** What every event carries. */
export interface RuntimeEvent {
  /** The name of the runtime. */
  readonly runtime: string;
  /** When it happened, in ms since 1970 of the runtime's clock. */
  readonly at: number;
}

/** What every event of a worker carries. */
export interface WorkerEvent extends RuntimeEvent {
  /** The local name of the worker. */
  readonly worker: string;
  /** Which start of the worker this belongs to, from 1; 0 before the first. */
  readonly generation: number;
}

/** What may be shown of an error, and the error itself; whatever serialises an event leaves `error` out. */
export interface EventError {
  readonly code: string;
  /** Safe to show to strangers. */
  readonly message: string;
  /** The original error, for logs. */
  readonly error: unknown;
}

export interface WorkerRegisteredEvent extends WorkerEvent {
  readonly kind: string;
  readonly state: WorkerState;
}

export interface WorkerUnregisteredEvent extends WorkerEvent {
  readonly kind: string;
  readonly state: WorkerState;
}

export interface WorkerTransitionEvent extends WorkerEvent {
  readonly from: WorkerState;
  readonly to: WorkerState;
  readonly reason: string;
}

export interface WorkerReadinessEvent extends WorkerEvent {
  readonly ready: boolean;
}

export interface WorkerAdmissionEvent extends WorkerEvent {
  readonly acceptingWork: boolean;
}

export interface WorkerFailureEvent extends WorkerEvent, EventError {
  readonly phase: LifecyclePhase;
  /** The attempt of a start that failed, from 1. */
  readonly attempt: number;
  /** Whether this is the failure that felled the worker. */
  readonly final: boolean;
  readonly panic: boolean;
}

export interface WorkerRestartEvent extends WorkerEvent, EventError {
  /** Restarts in the window, this one included. */
  readonly attempt: number;
  readonly delayMs: number;
}

export interface WorkerStallEvent extends WorkerEvent {
  readonly silentMs: number;
}

export interface WorkerAbandonedEvent extends WorkerEvent {
  readonly phase: LifecyclePhase | "lease";
  readonly label: string;
  readonly ageMs: number;
}

export interface RuntimeTransitionEvent extends RuntimeEvent {
  readonly from: RuntimeState;
  readonly to: RuntimeState;
  readonly reason: string;
  /** The worker with `failurePolicy: "fail-runtime"` whose failure has failed the runtime, where one has. */
  readonly failedBecause?: string;
}

export interface RuntimeReadinessEvent extends RuntimeEvent {
  readonly ready: boolean;
}

/** One thing that a wait is waiting for. */
export interface HeldWork {
  readonly worker: string;
  readonly label: string;
  readonly ageMs: number;
}

export interface RuntimeWaitingEvent extends RuntimeEvent {
  readonly phase: "shutdown" | "stop" | "idle";
  /** What is left of the budget in ms; absent where the wait has none. */
  readonly leftMs?: number;
  readonly held: readonly HeldWork[];
}

/** What every event of a dispatch carries. */
export interface CommandEvent extends WorkerEvent {
  readonly command: string;
  readonly dispatchId: string;
}

export interface CommandStartEvent extends CommandEvent {
  readonly queuedMs: number;
  /** Whether a handler dispatched it. */
  readonly child: boolean;
}

export interface CommandAttemptFailedEvent extends CommandEvent, EventError {
  readonly attempt: number;
  readonly willRetry: boolean;
  readonly delayMs: number;
  readonly panic: boolean;
}

export type CommandOutcome = "ok" | "error" | "invalid" | "timeout" | "abandoned" | "aborted";

export interface CommandEndEvent extends CommandEvent {
  readonly outcome: CommandOutcome;
  readonly attempts: number;
  readonly durationMs: number;
  readonly queuedMs: number;
  readonly code?: string;
  readonly message?: string;
  readonly error?: unknown;
}

export interface CommandRejectedEvent extends CommandEvent {
  readonly code: string;
  readonly queuedMs: number;
}

export interface CheckEndEvent extends WorkerEvent {
  readonly outcome: "pass" | "warn" | "fail";
  readonly durationMs: number;
  readonly message?: string;
}

/** Every event, by name; adding a field is a minor change, renaming one a major. */
export interface WorkerkitEvents {
  readonly "worker:registered": WorkerRegisteredEvent;
  readonly "worker:unregistered": WorkerUnregisteredEvent;
  readonly "worker:transition": WorkerTransitionEvent;
  readonly "worker:readiness": WorkerReadinessEvent;
  readonly "worker:admission": WorkerAdmissionEvent;
  readonly "worker:failure": WorkerFailureEvent;
  readonly "worker:restart": WorkerRestartEvent;
  readonly "worker:stall": WorkerStallEvent;
  readonly "worker:abandoned": WorkerAbandonedEvent;
  readonly "runtime:transition": RuntimeTransitionEvent;
  readonly "runtime:readiness": RuntimeReadinessEvent;
  readonly "runtime:waiting": RuntimeWaitingEvent;
  readonly "command:start": CommandStartEvent;
  readonly "command:attempt-failed": CommandAttemptFailedEvent;
  readonly "command:end": CommandEndEvent;
  readonly "command:rejected": CommandRejectedEvent;
  readonly "check:end": CheckEndEvent;
}

/** The name of any event. */
export type EventName = keyof WorkerkitEvents;
