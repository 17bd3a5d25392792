// time
export type { FakeClock, PendingTimer } from "@workerkit/contracts/fake-clock";
export { createFakeClock } from "@workerkit/contracts/fake-clock";
// storms
export type { CheckRuntimeOptions, RuntimeCheck } from "./check-runtime.ts";
export { checkRuntime, MUST_REACH } from "./check-runtime.ts";
export type { CheckWorkerOptions, WorkersToCheck } from "./check-worker.ts";
export { checkWorker } from "./check-worker.ts";
export type { SeededRandom } from "./doubles/random.ts";
export { createRandom } from "./doubles/random.ts";
// one worker alone
export type { ContextRecord } from "./doubles/scripted-context.ts";
// doubles
export type { ScriptedWorker, SeenCall, WorkerScript } from "./doubles/scripted-worker.ts";
export { scriptedWorker } from "./doubles/scripted-worker.ts";
export type { Ending, OnAbort, Step, Steps } from "./doubles/step.ts";
export type { InvariantId } from "./model/invariants.ts";
export { INVARIANTS } from "./model/invariants.ts";
export type { StormFailure } from "./model/report.ts";
export type { StormFigures } from "./model/storm.ts";
// records and expectations
export type { RecordedEvent } from "./record/event-line.ts";
export type { ExpectedEvent, ExpectedStatus } from "./record/expect.ts";
export { expectEvents, expectLog, expectNoTimers, expectWorker } from "./record/expect.ts";
export type { EventOrigin, EventRecorder, RecordOptions } from "./record/record-events.ts";
export { recordEvents } from "./record/record-events.ts";
export type { HookEnd, RunScript, RunStep, WorkerRun } from "./run-worker.ts";
export { runWorker } from "./run-worker.ts";
// a runtime in a test
export type { TestRuntime, TestRuntimeOptions } from "./test-runtime.ts";
export { createTestRuntime } from "./test-runtime.ts";
