export type { Clock } from "@workerkit/contracts";
export { isWorkerkitError } from "@workerkit/contracts";
export type { Gate, Release } from "./gate.ts";
export { createGate } from "./gate.ts";
export type { GateOptions, QueueOptions, WaitOptions } from "./gate-options.ts";
export type { MapCall, MapOptions } from "./map-concurrent.ts";
export { mapConcurrent } from "./map-concurrent.ts";
