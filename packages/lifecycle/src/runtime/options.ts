// The options of a runtime.

import { randomUUID } from "node:crypto";
import {
  assertWorkerName,
  type Clock,
  invalidOption,
  type OptionReaders,
  readClock,
  readFunction,
  readOneOf,
  readOptions,
  readText,
  systemClock,
} from "@workerkit/contracts";
import type { WorkerDefinition } from "../worker/definition.ts";
import {
  POLICY_DEFAULTS,
  type ResolvedPolicy,
  readPolicy,
  type WorkerPolicy,
} from "../worker/policy.ts";
import type { ListenerErrorHandler } from "./hub.ts";
import type { ReadinessPolicy } from "./tally.ts";

/** What a runtime is created with. */
export interface LifecycleOptions {
  /** 1 to 63 characters of a-z, 0-9, _ and -. */
  readonly name: string;
  /** Shown by status. Default none. */
  readonly version?: string | undefined;
  /** Tells one process from another; shown by status. Default a random UUID. */
  readonly instanceId?: string | undefined;
  /** Registered in this order, as by `register`. Default none. */
  readonly workers?: readonly WorkerDefinition[] | undefined;
  /** What workers get that do not say otherwise; copied when they are registered. */
  readonly defaults?: WorkerPolicy | undefined;
  /** Which workers the runtime's readiness waits for. Default `contributing-workers`. */
  readonly readinessPolicy?: ReadinessPolicy | undefined;
  /** Where time comes from. Default the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Where chance comes from, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Hears of listeners that throw or reject. Default `process.emitWarning`. */
  readonly onListenerError?: ListenerErrorHandler | undefined;
}

/** The options with every default filled in. */
export interface ResolvedLifecycleOptions {
  readonly name: string;
  readonly version: string | undefined;
  readonly instanceId: string;
  readonly workers: readonly WorkerDefinition[];
  readonly defaults: ResolvedPolicy;
  readonly readinessPolicy: ReadinessPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onListenerError: ListenerErrorHandler | undefined;
}

/** What a runtime gets that does not say otherwise. */
export const LIFECYCLE_DEFAULTS: Omit<ResolvedLifecycleOptions, "name" | "instanceId"> =
  Object.freeze({
    version: undefined,
    workers: Object.freeze([]),
    defaults: POLICY_DEFAULTS,
    readinessPolicy: "contributing-workers",
    clock: systemClock,
    random: Math.random,
    onListenerError: undefined,
  });

/** How long a shutdown may take that does not say otherwise, in ms. */
export const SHUTDOWN_TIMEOUT_MS = 20_000;

const readers: OptionReaders<ResolvedLifecycleOptions> = {
  name(value) {
    assertWorkerName(value, "runtime");
    return value;
  },
  version: readText,
  instanceId: readText,
  workers(value, path) {
    if (Array.isArray(value)) return Array.from(value); // holes become undefined, and are refused as such
    throw invalidOption(path, value, "a list of workers made by defineWorker");
  },
  defaults: (value, path) => readPolicy(value as object, path),
  readinessPolicy: (value, path) => readOneOf(value, path, ["contributing-workers", "all-workers"]),
  clock: readClock,
  random: readFunction,
  onListenerError: readFunction,
};

/** Reads the options of a runtime. Throws `INVALID_OPTION`, or `INVALID_NAME` for its name. */
export function readLifecycleOptions(options: LifecycleOptions): ResolvedLifecycleOptions {
  const given = readOptions<ResolvedLifecycleOptions>(options, "", readers);
  const { name } = given;
  assertWorkerName(name, "runtime");
  return {
    ...LIFECYCLE_DEFAULTS,
    ...given,
    name,
    instanceId: given.instanceId ?? randomUUID(),
  };
}
