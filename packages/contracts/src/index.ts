export { onAbort } from "./abort.ts";
export type { Clock, ClockTimer, ClockTimerOptions } from "./clock.ts";
export { readClock, sleep, systemClock } from "./clock.ts";
export { Deadline, Deadlines } from "./deadlines.ts";
export type { ErrorCode, ErrorDetails } from "./errors.ts";
export { isWorkerkitError, readProperty, toError, WorkerkitError } from "./errors.ts";
export type {
  AnyEvent,
  CheckEndEvent,
  CommandAttemptFailedEvent,
  CommandEndEvent,
  CommandEvent,
  CommandOutcome,
  CommandRejectedEvent,
  CommandStartEvent,
  EventError,
  EventName,
  EventSink,
  EventSource,
  HeldWork,
  LifecyclePhase,
  ListenOptions,
  RuntimeEvent,
  RuntimeReadinessEvent,
  RuntimeState,
  RuntimeTransitionEvent,
  RuntimeWaitingEvent,
  Unsubscribe,
  WorkerAbandonedEvent,
  WorkerAdmissionEvent,
  WorkerEvent,
  WorkerFailureEvent,
  WorkerkitEvents,
  WorkerReadinessEvent,
  WorkerRegisteredEvent,
  WorkerRestartEvent,
  WorkerStallEvent,
  WorkerState,
  WorkerTransitionEvent,
  WorkerUnregisteredEvent,
} from "./events.ts";
export type { SafeMessage } from "./failure.ts";
export {
  abandonedError,
  isFatal,
  isPanic,
  Panic,
  safeMessageOf,
  withFatal,
  withSafeMessage,
} from "./failure.ts";
export {
  assertCommandName,
  assertWorkerName,
  isCommandName,
  isWorkerName,
  quoteName,
} from "./names.ts";
export type { OptionReader, OptionReaders } from "./options.ts";
export {
  invalidOption,
  optionPath,
  readBoolean,
  readDurationMs,
  readFunction,
  readLimit,
  readOneOf,
  readOptions,
  readRecord,
  readSignal,
  readText,
  showValue,
  unknownOption,
} from "./options.ts";
