// Defining a worker: a name, the worker itself, what it depends on and its policy.

import {
  assertWorkerName,
  invalidOption,
  isWorkerkitError,
  optionPath,
  readOneOf,
  readOptions,
  readRecord,
  readText,
} from "@workerkit/contracts";
import { policyReaders, type WorkerPolicy } from "./policy.ts";
import type { Worker } from "./worker.ts";

/** A worker that another depends on: its definition, its name, or either with what happens when it restarts. */
export type Dependency =
  | WorkerDefinition
  | string
  | {
      readonly worker: WorkerDefinition | string;
      /** Whether the dependant keeps running while this one restarts, or restarts with it. Default `keep`. */
      readonly onRestart?: "keep" | "restart" | undefined;
    };

/** What a worker is defined by. */
export interface WorkerOptions<State> extends WorkerPolicy {
  /** 1 to 63 characters of a-z, 0-9, _ and -. */
  readonly name: string;
  readonly description?: string | undefined;
  /** Workers that run before this one starts and until it has stopped. */
  readonly dependsOn?: readonly Dependency[] | undefined;
  readonly worker: Worker<State>;
}

/** A worker as it is registered and referred to; one definition may serve in many runtimes. */
export interface WorkerDefinition<State = unknown> {
  readonly name: string;
  readonly description: string | undefined;
  /** The brand, under a string key so that two copies of this package agree. */
  readonly "~worker": {
    readonly version: 1;
    readonly types?: { readonly state: State } | undefined;
  };
}

/** Only ever seen in a type error: TypeScript reads from left to right, so `start` must come before what uses its state. */
export interface StartMustStandFirst {
  readonly "~start must stand first": never;
}

/**
 * Defines a worker; nothing runs yet.
 * Throws `INVALID_NAME` or `INVALID_OPTION`; options of extensions are checked when the worker is registered.
 */
export function defineWorker<State = void | StartMustStandFirst>(
  options: WorkerOptions<State>,
): WorkerDefinition<State> {
  const given = readRecord(options, "options");
  assertWorkerName(given.name);
  const path = `workers.${given.name}`;
  const own: Record<string, unknown> = {};
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(DEFINITION_READERS, key) || Object.hasOwn(policyReaders, key)) {
      own[key] = given[key];
    }
  }
  readOptions<DefinitionOptions & Required<WorkerPolicy>>(own, path, OWN_READERS);
  readWorker(given.worker, optionPath(path, "worker"));
  const brand: DefinitionBrand = { version: 1, options: Object.freeze({ ...given }) };
  return Object.freeze({
    name: given.name,
    description: options.description,
    "~worker": Object.freeze(brand),
  });
}

/** A dependency in its full form. */
export interface NamedDependency {
  readonly name: string;
  readonly definition: WorkerDefinition | undefined;
  readonly onRestart: "keep" | "restart";
}

/** What a definition holds beside its policy and the options of extensions. */
export interface DefinitionOptions {
  readonly name: string;
  readonly description: string;
  readonly dependsOn: readonly NamedDependency[];
  readonly worker: Worker;
}

/** How the options of a definition are read that are no policy. */
export const DEFINITION_READERS: {
  readonly [Key in keyof DefinitionOptions]: (
    value: unknown,
    path: string,
  ) => DefinitionOptions[Key];
} = {
  name: readText,
  description: readText,
  dependsOn: readDependencies,
  worker: readWorker,
};

/** The options that `defineWorker` was given; throws `INVALID_OPTION` for what is no definition. */
export function optionsOf(
  definition: unknown,
  path: string,
): Readonly<Record<string, unknown>> & { readonly name: string } {
  if (isWorkerDefinition(definition)) {
    const { options } = definition["~worker"] as DefinitionBrand;
    if (options !== undefined) return { ...options, name: definition.name };
  }
  throw invalidOption(path, definition, "a worker made by defineWorker");
}

/** Whether `value` was made by `defineWorker`, of any copy of this package. */
export function isWorkerDefinition(value: unknown): value is WorkerDefinition {
  if (typeof value !== "object" || value === null || !("~worker" in value)) return false;
  const brand = value["~worker"];
  return typeof brand === "object" && brand !== null && "version" in brand && brand.version === 1;
}

/** Put together once: doing so for each worker took nine tenths of defining it. */
const OWN_READERS = { ...DEFINITION_READERS, ...policyReaders };

interface DefinitionBrand {
  readonly version: 1;
  readonly types?: undefined;
  readonly options?: Readonly<Record<string, unknown>>;
}

function readWorker(value: unknown, path: string): Worker {
  const expected = "an object with the hooks start and stop, such as loop(run)";
  if (typeof value !== "object" || value === null) throw invalidOption(path, value, expected);
  const { kind, start, drain, stop } = value as Partial<Worker>;
  if (kind !== undefined) readText(kind, optionPath(path, "kind"));
  if (typeof start !== "function") {
    throw invalidOption(optionPath(path, "start"), start, "a function");
  }
  if (drain !== undefined && typeof drain !== "function") {
    throw invalidOption(optionPath(path, "drain"), drain, "a function, or nothing");
  }
  if (typeof stop !== "function") throw invalidOption(optionPath(path, "stop"), stop, "a function");
  return value as Worker;
}

function readDependencies(value: unknown, path: string): readonly NamedDependency[] {
  if (!Array.isArray(value)) throw invalidOption(path, value, "a list of workers or worker names");
  // Not `map`, which would skip the holes of a list.
  const dependencies = Array.from(value, (entry, index) =>
    readDependency(entry, `${path}[${index}]`),
  );
  dependencies.forEach(({ name }, index) => {
    if (dependencies.findIndex((other) => other.name === name) !== index) {
      throw invalidOption(`${path}[${index}]`, name, "a worker that is not listed already");
    }
  });
  return dependencies;
}

function readDependency(value: unknown, path: string): NamedDependency {
  if (typeof value === "string") {
    try {
      assertWorkerName(value);
    } catch (error) {
      const expected = isWorkerkitError(error) ? String(error.details.expected) : "a worker name";
      throw invalidOption(path, value, expected);
    }
    return { name: value, definition: undefined, onRestart: "keep" };
  }
  if (isWorkerDefinition(value)) {
    return { name: value.name, definition: value, onRestart: "keep" };
  }
  const { worker, onRestart = "keep" } = readOptions<{
    worker: NamedDependency;
    onRestart: "keep" | "restart";
  }>(readRecord(value, path, "a worker, its name, or { worker, onRestart }"), path, {
    worker: readDependency,
    onRestart: (word, wordPath) => readOneOf(word, wordPath, ["keep", "restart"]),
  });
  if (worker === undefined) {
    throw invalidOption(optionPath(path, "worker"), undefined, "a worker or a worker name");
  }
  return { ...worker, onRestart };
}
