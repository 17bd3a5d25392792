// An extension once it is attached to a runtime: its options read, its ports kept, its types behind it.

import { readOptions } from "@workerkit/contracts";
import type { Extension } from "../extension.ts";
import { createPort, type WorkerPort } from "../worker/port.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import type { ClosingReason } from "./core.ts";

export interface AttachedExtension {
  readonly name: string;
  /** The options of a worker that it owns. */
  readonly workerKeys: readonly string[];
  readWorkerOptions(given: object, path: string): object;
  register(worker: RegisteredWorker, options: object): void;
  unregister(worker: RegisteredWorker): void;
  closing(worker: RegisteredWorker, why: ClosingReason): void;
}

/** Keeps the ports of an extension, one a worker. */
export function attached<WorkerOptions extends object, RuntimeOptions extends object, Api>(
  extension: Extension<WorkerOptions, RuntimeOptions, Api>,
): AttachedExtension {
  const ports = new WeakMap<RegisteredWorker, WorkerPort>();
  return {
    name: extension.name,
    workerKeys: Object.keys(extension.workerOptions),
    readWorkerOptions: (given, path) =>
      readOptions<WorkerOptions>(given, path, extension.workerOptions),
    register(worker, options) {
      const port = createPort(worker);
      extension.onRegister(port, options as Partial<WorkerOptions>);
      ports.set(worker, port);
    },
    unregister(worker) {
      const port = ports.get(worker);
      if (port !== undefined) extension.onUnregister?.(port);
    },
    closing(worker, why) {
      const port = ports.get(worker);
      if (port !== undefined) extension.onClosing?.(port, why);
    },
  };
}
