// The seam through which a package adds to workers: options of its own, a port to each worker, and a word when one closes.

import type { Deadlines, EventSink, OptionReaders, WorkerkitEvents } from "@workerkit/contracts";
import { invalidOption, readFunction, readRecord, readText } from "@workerkit/contracts";
import type { ClosingReason } from "./runtime/core.ts";
import type { Lifecycle } from "./runtime/lifecycle.ts";
import type { WorkerPort } from "./worker/port.ts";

export type { ClosingReason } from "./runtime/core.ts";
export { WorkLease, workLeaseOf } from "./worker/lease.ts";
export type { WorkerPort } from "./worker/port.ts";

/** What an extension is given to work with. */
export interface ExtensionHost {
  readonly lifecycle: Lifecycle;
  readonly sink: EventSink<WorkerkitEvents>;
  /** The limits of the runtime: what is set here leaves no timer behind after a shutdown. */
  readonly deadlines: Deadlines;
  /** The runtime's source of chance. */
  readonly random: () => number;
}

/** A package that adds to workers; every option key that it owns has exactly one reader. */
export interface Extension<WorkerOptions extends object, RuntimeOptions extends object, Api> {
  readonly name: string;
  readonly workerOptions: OptionReaders<WorkerOptions>;
  readonly runtimeOptions: OptionReaders<RuntimeOptions>;
  /** Makes what users call; its options are checked. */
  readonly attach: (host: ExtensionHost, options: NoInfer<Partial<RuntimeOptions>>) => Api;
  /** A worker is being registered; what this throws refuses it. */
  readonly onRegister: (port: WorkerPort, options: NoInfer<Partial<WorkerOptions>>) => void;
  readonly onUnregister?: ((port: WorkerPort) => void) | undefined;
  /** A worker takes no more work from outside, or none of any kind, as `why` says; called inside the change, before its events, so it must neither throw nor wait. */
  readonly onClosing?: ((port: WorkerPort, why: ClosingReason) => void) | undefined;
}

/**
 * Attaches an extension to a runtime and returns what it makes.
 * Throws `INVALID_RUNTIME_STATE` once a worker is registered, `INVALID_OPTION` for wrong options and for a key that has an owner already.
 */
export function extend<WorkerOptions extends object, RuntimeOptions extends object, Api>(
  lifecycle: Lifecycle,
  extension: Extension<WorkerOptions, RuntimeOptions, Api>,
  options?: RuntimeOptions,
): Api {
  const { "~extend": attach } = readRecord(lifecycle, "lifecycle", A_RUNTIME);
  if (typeof attach !== "function") throw invalidOption("lifecycle", lifecycle, A_RUNTIME);
  const given = readRecord(extension, "extension");
  readText(given.name, "extension.name");
  for (const key of ["attach", "onRegister", "onUnregister", "onClosing"]) {
    const optional = key === "onUnregister" || key === "onClosing";
    if (!(optional && given[key] === undefined)) readFunction(given[key], `extension.${key}`);
  }
  for (const key of ["workerOptions", "runtimeOptions"]) {
    const readers = readRecord(given[key], `extension.${key}`);
    for (const [option, reader] of Object.entries(readers)) {
      readFunction(reader, `extension.${key}.${option}`);
    }
  }
  return lifecycle["~extend"](extension, options);
}

const A_RUNTIME = "a runtime made by createLifecycle";
