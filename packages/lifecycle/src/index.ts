export type { Clock } from "@workerkit/contracts";
export {
  isWorkerkitError,
  Panic,
  WorkerkitError,
  withFatal,
  withSafeMessage,
} from "@workerkit/contracts";
export type { CheckOptions, CheckOutcome, CheckRun } from "./kinds/check.ts";
export { CHECK_DEFAULTS, check } from "./kinds/check.ts";
export type { LoopHooks } from "./kinds/loop.ts";
export { loop } from "./kinds/loop.ts";
export type { OnError } from "./kinds/on-error.ts";
export type { PollOptions, PollRun, PollWorker } from "./kinds/poll.ts";
export { POLL_DEFAULTS, poll } from "./kinds/poll.ts";
export type { SourceSignals, StreamOptions } from "./kinds/stream.ts";
export { STREAM_DEFAULTS, stream } from "./kinds/stream.ts";
export type { TaskOptions } from "./kinds/task.ts";
export { task } from "./kinds/task.ts";
export type { ShutdownReport } from "./runtime/bulk.ts";
export { createLifecycle } from "./runtime/create-lifecycle.ts";
export type { WorkerEnd } from "./runtime/end-all.ts";
export type { ListenerErrorHandler } from "./runtime/hub.ts";
export type {
  CallOptions,
  DrainOptions,
  Lifecycle,
  ShutdownOptions,
  ShutdownRequest,
  StartAllCallOptions,
  StartOptions,
  StopOptions,
} from "./runtime/lifecycle.ts";
export type { LifecycleOptions, ResolvedLifecycleOptions } from "./runtime/options.ts";
export { LIFECYCLE_DEFAULTS, SHUTDOWN_TIMEOUT_MS } from "./runtime/options.ts";
export type { WorkerReference } from "./runtime/registry.ts";
export type { RunUntilSignalOptions } from "./runtime/run-until-signal.ts";
export { RUN_DEFAULTS, runUntilSignal } from "./runtime/run-until-signal.ts";
export type { Blocker, RuntimeStatus } from "./runtime/status.ts";
export type { ReadinessPolicy } from "./runtime/tally.ts";
export type {
  Dependency,
  StartMustStandFirst,
  WorkerDefinition,
  WorkerOptions,
} from "./worker/definition.ts";
export { defineWorker } from "./worker/definition.ts";
export type {
  Failure,
  FailurePolicy,
  PanicPolicy,
  ResolvedPolicy,
  ResolvedRestartPolicy,
  RestartPolicy,
  WorkerPolicy,
} from "./worker/policy.ts";
export { POLICY_DEFAULTS, RESTART_DEFAULTS } from "./worker/policy.ts";
export type { WorkerOperation } from "./worker/states.ts";
export { OPERATIONS, TRANSITIONS } from "./worker/states.ts";
export type {
  CommandFailureStatus,
  FailureStatus,
  TransitionStatus,
  WorkerStatus,
} from "./worker/status.ts";
export type {
  HookCall,
  KindEvent,
  Lease,
  LeaseOptions,
  MaybePromise,
  WorkContext,
  Worker,
  WorkerContext,
} from "./worker/worker.ts";
