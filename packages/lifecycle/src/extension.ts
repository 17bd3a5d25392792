// The seam through which a package adds to workers: options of its own, a port to each worker, and a word when one closes.

import type { EventSink, OptionReaders, WorkerkitEvents } from "@workerkit/contracts";
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
  /** A worker takes no more work from outside; called inside the change, before its events, so it must neither throw nor wait. */
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
  readRecord(lifecycle, "lifecycle", "a runtime made by createLifecycle");
  if (lifecycle["~extend"] === undefined) {
    throw invalidOption("lifecycle", lifecycle, "a runtime made by createLifecycle");
  }
  readText(extension.name, "extension.name");
  readFunction(extension.attach, "extension.attach");
  readFunction(extension.onRegister, "extension.onRegister");
  return lifecycle["~extend"](extension, options);
}
