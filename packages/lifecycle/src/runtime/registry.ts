// Registering workers and finding them again.

import {
  assertWorkerName,
  invalidOption,
  type OptionReaders,
  quoteName,
  readOptions,
  unknownOption,
  WorkerkitError,
} from "@workerkit/contracts";
import {
  DEFINITION_READERS,
  type DefinitionOptions,
  isWorkerDefinition,
  optionsOf,
  type WorkerDefinition,
} from "../worker/definition.ts";
import { refusal } from "../worker/operation.ts";
import { policyReaders, type ResolvedPolicy, readPolicy } from "../worker/policy.ts";
import { RegisteredWorker } from "../worker/registered-worker.ts";
import type { AttachedExtension } from "./attached.ts";
import type { RuntimeCore } from "./core.ts";

/** How callers name a worker: its local name, `runtime/worker`, or its definition. */
export type WorkerReference = WorkerDefinition | string;

export class Registry {
  readonly #core: RuntimeCore;
  readonly #defaults: ResolvedPolicy;
  readonly #extensions: readonly AttachedExtension[];
  #registered = 0;

  constructor(
    core: RuntimeCore,
    defaults: ResolvedPolicy,
    extensions: readonly AttachedExtension[],
  ) {
    this.#core = core;
    this.#defaults = defaults;
    this.#extensions = extensions;
  }

  /** Whether any worker was ever registered. */
  get used(): boolean {
    return this.#registered > 0;
  }

  /** Checks everything, then adds the worker; a refused registration leaves no trace (N3). */
  register(definition: WorkerDefinition, path: string): void {
    const core = this.#core;
    if (core.closing === "shutdown") {
      throw new WorkerkitError(
        "INVALID_RUNTIME_STATE",
        `runtime ${core.name} takes no worker while it shuts down`,
        { details: { runtime: core.name } },
      );
    }
    const options = optionsOf(definition, path);
    const { name } = options;
    assertWorkerName(name);
    const own = this.#split(options, `workers.${name}`);
    if (core.workers.has(name)) {
      throw new WorkerkitError(
        "WORKER_ALREADY_REGISTERED",
        `runtime ${core.name} already has a worker ${name}`,
        { details: { runtime: core.name, worker: name } },
      );
    }
    const { worker: hooks, dependsOn = [] } = own.definition;
    if (hooks === undefined) throw invalidOption(`workers.${name}.worker`, undefined, "a worker");
    const registration = { definition, worker: hooks, policy: own.policy, dependsOn };
    const worker = new RegisteredWorker(core, registration, this.#registered);
    this.#tellExtensions(worker, own.ofExtensions);
    this.#registered += 1;
    this.#add(worker);
  }

  /** Removes a worker that has ended and that no other depends on. */
  unregister(reference: WorkerReference): void {
    const core = this.#core;
    const worker = this.find(reference);
    const why = whyItStays(worker);
    if (why !== undefined) throw refusal(worker, "unregister", why);
    core.workers.delete(worker.name);
    worker.unregistered = true;
    for (const { name } of worker.dependsOn) {
      const dependants = core.dependants.get(name);
      dependants?.delete(worker);
      if (dependants?.size === 0) core.dependants.delete(name);
    }
    core.tally.remove(worker);
    for (const extension of this.#extensions) extension.unregister(worker);
    tell(worker, "worker:unregistered");
    core.refresh(worker.name, "unregistered");
  }

  /** The worker; throws `INVALID_NAME` or `WORKER_NOT_FOUND` (N2). */
  find(reference: WorkerReference): RegisteredWorker {
    const worker = this.lookUp(reference);
    if (worker !== undefined) return worker;
    const { name: runtime } = this.#core;
    const name = typeof reference === "string" ? reference : reference.name;
    const which = typeof reference === "string" ? "" : " of this very definition";
    throw new WorkerkitError(
      "WORKER_NOT_FOUND",
      `runtime ${runtime} has no worker ${quoteName(name)}${which}`,
      { details: { runtime, worker: quoteName(name) } },
    );
  }

  /** The worker, or undefined; throws `INVALID_NAME` for what can be no name. */
  lookUp(reference: WorkerReference): RegisteredWorker | undefined {
    const { workers, name: runtime } = this.#core;
    if (typeof reference === "string") {
      const local = localName(reference, runtime);
      return local === undefined ? undefined : workers.get(local);
    }
    if (!isWorkerDefinition(reference)) {
      throw invalidOption("worker", reference, "a worker name or a worker made by defineWorker");
    }
    const worker = workers.get(reference.name);
    return worker?.definition === reference ? worker : undefined;
  }

  /** Makes sure that no option key gets a second owner. */
  claim(extension: AttachedExtension): void {
    const known = this.#knownKeys();
    for (const key of extension.workerKeys) {
      if (known.includes(key)) {
        throw invalidOption(
          `extension ${extension.name}`,
          key,
          "option keys that nobody owns already",
        );
      }
    }
  }

  #split(options: Readonly<Record<string, unknown>>, path: string) {
    const definition: Record<string, unknown> = {};
    const policy: Record<string, unknown> = {};
    const ofExtensions = new Map<AttachedExtension, Record<string, unknown>>();
    for (const extension of this.#extensions) ofExtensions.set(extension, {});
    for (const [key, value] of Object.entries(options)) {
      const owner = this.#extensions.find(({ workerKeys }) => workerKeys.includes(key));
      if (Object.hasOwn(DEFINITION_READERS, key)) definition[key] = value;
      else if (Object.hasOwn(policyReaders, key)) policy[key] = value;
      else if (owner !== undefined) Object.assign(ofExtensions.get(owner) ?? {}, { [key]: value });
      else throw unknownOption(path, key, this.#knownKeys());
    }
    return {
      definition: readOptions<DefinitionOptions>(
        definition,
        path,
        DEFINITION_READERS as OptionReaders<DefinitionOptions>,
      ),
      policy: readPolicy(policy, path, this.#defaults),
      ofExtensions: [...ofExtensions].map(([extension, given]) => ({
        extension,
        options: extension.readWorkerOptions(given, path),
      })),
    };
  }

  #knownKeys(): string[] {
    return [
      ...Object.keys(DEFINITION_READERS),
      ...Object.keys(policyReaders),
      ...this.#extensions.flatMap(({ workerKeys }) => workerKeys),
    ];
  }

  #tellExtensions(
    worker: RegisteredWorker,
    options: readonly { readonly extension: AttachedExtension; readonly options: object }[],
  ): void {
    const told: AttachedExtension[] = [];
    try {
      for (const { extension, options: own } of options) {
        extension.register(worker, own);
        told.push(extension);
      }
    } catch (error) {
      for (const extension of told) extension.unregister(worker);
      throw error;
    }
  }

  #add(worker: RegisteredWorker): void {
    const core = this.#core;
    core.workers.set(worker.name, worker);
    for (const { name } of worker.dependsOn) {
      let dependants = core.dependants.get(name);
      if (dependants === undefined) {
        dependants = new Set();
        core.dependants.set(name, dependants);
      }
      dependants.add(worker);
    }
    core.tally.add(worker);
    tell(worker, "worker:registered");
    core.refresh(worker.name, "registered");
  }
}

/** The local part of a name that may carry its runtime; undefined if that is another. */
function localName(name: string, runtime: string): string | undefined {
  const slash = name.indexOf("/");
  if (slash < 0) {
    assertWorkerName(name);
    return name;
  }
  assertWorkerName(name.slice(0, slash), "runtime");
  assertWorkerName(name.slice(slash + 1));
  return name.slice(0, slash) === runtime ? name.slice(slash + 1) : undefined;
}

function whyItStays(worker: RegisteredWorker): string | undefined {
  const { state, core, name } = worker;
  if (state !== "registered" && state !== "stopped" && state !== "failed") return `it is ${state}`;
  if (worker.current !== undefined) return "an operation is under way";
  if (worker.inFlight > 0) return `it has work in flight (${worker.inFlight})`;
  if (worker.abandoned > 0) return `its abandoned code still runs (${worker.abandoned})`;
  if (worker.strays !== undefined && worker.strays.size > 0) return "its late cleanup still runs";
  const dependants = [...(core.dependants.get(name) ?? [])].map((dependant) => dependant.name);
  return dependants.length > 0 ? `it is depended on by ${dependants.join(", ")}` : undefined;
}

function tell(worker: RegisteredWorker, event: "worker:registered" | "worker:unregistered"): void {
  const { core, kind, state } = worker;
  if (core.hub.wants(event)) core.hub.emit(event, { ...core.eventOf(worker), kind, state });
}
