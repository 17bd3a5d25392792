/// <reference types="node" preserve="true" />
// Running a process around a runtime: start, wait for whatever ends it, shut down, and say in one line how it ended.

import { constants } from "node:os";
import {
  invalidOption,
  isWorkerkitError,
  type OptionReaders,
  onAbort,
  readBoolean,
  readDurationMs,
  readFunction,
  readOptions,
  readRecord,
  readSignal,
} from "@workerkit/contracts";
import { textOf } from "../worker/failure.ts";
import type { ShutdownReport } from "./bulk.ts";
import { observe } from "./hub.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { SHUTDOWN_TIMEOUT_MS } from "./options.ts";

export interface RunUntilSignalOptions {
  /** The signals that end it; a second one ends the process at once. Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Whether all workers are started first. Default true. */
  readonly startWorkers?: boolean | undefined;
  /** The budget of the shutdown, in ms. Default 20 000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** Ends it as a signal does. */
  readonly signal?: AbortSignal | undefined;
  /** Gets the line that says how it ended. Default: it goes to stderr. */
  readonly log?: ((line: string) => void) | undefined;
}

/** What `runUntilSignal` gets that does not say otherwise. */
export const RUN_DEFAULTS: {
  readonly signals: readonly NodeJS.Signals[];
  readonly startWorkers: boolean;
  readonly shutdownTimeoutMs: number;
} = Object.freeze({
  signals: Object.freeze(["SIGTERM", "SIGINT"] as const),
  startWorkers: true,
  shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
});

/**
 * Starts all workers, waits for a signal, a worker's request or a failure, and shuts down.
 * Resolves with the report after a clean end and sets exit code 0; otherwise sets 1 and rejects with the cause.
 * If something still holds the process 1 000 ms later it is named, and the process exits.
 */
export async function runUntilSignal(
  runtime: Lifecycle,
  options: RunUntilSignalOptions = {},
): Promise<ShutdownReport> {
  readRuntime(runtime);
  const read = { ...RUN_DEFAULTS, ...readOptions(options, "options", READERS) };
  const log = harmless(read.log ?? logToStderr);
  const ends = new Ends(runtime, read.signals, log, read.signal);
  let report: ShutdownReport | undefined;
  let failure: Cause["failure"];
  try {
    if (read.startWorkers && !ends.ended) {
      runtime.startAll().catch((error: unknown) => {
        // It gave way to a shutdown that has its own cause (B1).
        if (ends.ended && isWorkerkitError(error, "INTERRUPTED")) return;
        ends.end({ reason: "the start failed", failure: { error } });
      });
    }
    const cause = await ends.first;
    failure = cause.failure;
    try {
      report = await runtime.shutdown({ timeoutMs: read.shutdownTimeoutMs });
    } catch (error) {
      report = (error as { readonly report?: ShutdownReport }).report;
      failure ??= { error };
    }
    failure ??= ends.later;
    log(lineOf(runtime.name, cause, report, failure));
  } finally {
    ends.forget();
  }
  process.exitCode = failure === undefined ? 0 : 1;
  exitIfHeld(runtime, log);
  if (failure !== undefined) throw failure.error;
  return report as ShutdownReport;
}

/** Why a process ends. */
interface Cause {
  readonly reason: string;
  readonly failure?: { readonly error: unknown } | undefined;
}

/** Everything that can end a process, until the first does. */
class Ends {
  readonly first: Promise<Cause>;
  /** What failed while another cause had ended it already. */
  later: Cause["failure"] = undefined;
  ended = false;
  #resolve: (cause: Cause) => void = () => {};
  #signalled = false;
  readonly #forget: (() => void)[] = [];
  /** The worker and the error of the last final failure. */
  #lastFailure: { readonly worker: string; readonly error: unknown } | undefined = undefined;

  constructor(
    runtime: Lifecycle,
    signals: readonly NodeJS.Signals[],
    log: (line: string) => void,
    signal: AbortSignal | undefined,
  ) {
    this.first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    // Neither a signal handler nor an idle worker keeps a process alive.
    const hold = runtime.clock.setTimeout(() => {}, Number.POSITIVE_INFINITY, {
      label: `${runtime.name} runs until a signal`,
    });
    this.#forget.push(() => runtime.clock.clearTimeout(hold));
    for (const name of signals) {
      this.#onProcess(name, () => {
        if (this.#signalled) {
          log(`${runtime.name}: ${name} again, exits at once`);
          process.exit(128 + constants.signals[name]);
        }
        this.#signalled = true;
        this.end({ reason: name });
      });
    }
    const uncaught = (error: unknown, what: string) => {
      const known =
        this.#lastFailure?.error === error ? ` of worker ${this.#lastFailure?.worker}` : "";
      log(`${runtime.name}: ${what}${known}: ${textOf(error)}`);
      this.end({ reason: what, failure: { error } });
    };
    for (const output of [process.stdout, process.stderr]) ignoreErrorsOf(output);
    this.#onProcess("uncaughtException", (error) => uncaught(error, "an uncaught exception"));
    this.#onProcess("unhandledRejection", (error) => uncaught(error, "an unhandled rejection"));
    this.#forget.push(
      runtime.onShutdown(({ reason, worker }) => {
        this.end({ reason: worker === undefined ? reason : `worker ${worker}: ${reason}` });
      }),
      runtime.events.on("worker:failure", ({ worker, error, final }) => {
        if (!final) return;
        this.#lastFailure = { worker, error };
        // Listening here takes away the warning of a failure that nobody listens to, and it may be the only word of it.
        if (runtime.status().failedBecause === worker) return;
        log(`${runtime.name}: worker ${worker} failed: ${textOf(error)}`);
      }),
      runtime.events.on("runtime:transition", ({ failedBecause: worker }) => {
        if (worker === undefined) return;
        const error = this.#lastFailure?.error;
        this.end({ reason: `worker ${worker} failed the runtime`, failure: { error } });
      }),
    );
    if (signal !== undefined) {
      this.#forget.push(onAbort(signal, () => this.end({ reason: "its signal aborted" })));
    }
  }

  end(cause: Cause): void {
    if (this.ended) this.later ??= cause.failure;
    this.ended = true;
    this.#resolve(cause);
  }

  forget(): void {
    for (const forget of this.#forget) forget();
  }

  #onProcess(event: string, listener: (value: unknown) => void): void {
    process.on(event, listener);
    this.#forget.push(() => process.off(event, listener));
  }
}

function lineOf(
  name: string,
  { reason }: Cause,
  report: ShutdownReport | undefined,
  failure: Cause["failure"],
): string {
  const ended = `${name}: ${reason}, ${failure === undefined ? "shut down" : "failed"}`;
  if (report === undefined) return ended;
  const left = report.workers.flatMap(({ worker, abandoned }) =>
    abandoned.map(({ label, ageMs }) => `${label} of ${worker} after ${Math.round(ageMs)} ms`),
  );
  const took = `${ended} in ${Math.round(report.durationMs)} ms`;
  return left.length === 0 ? took : `${took}, left behind: ${left.join(", ")}`;
}

/** Not the runtime's doing any more, but nobody should have to guess what keeps a process from ending. */
function exitIfHeld({ name, clock }: Lifecycle, log: (line: string) => void): void {
  clock.setTimeout(
    () => {
      const kinds = [...new Set(process.getActiveResourcesInfo())];
      // The process's own outputs are always among them, and hold nothing.
      const others = kinds.filter((kind) => kind !== "PipeWrap" && kind !== "TTYWrap");
      const held = (others.length > 0 ? others : kinds).join(", ").replace("Timeout", "a timer");
      log(`${name}: still held by ${held}, exits`);
      process.exit();
    },
    HELD_AFTER_MS,
    { ref: false, label: `${name}: the process is still held` },
  );
}

const HELD_AFTER_MS = 1_000;

/** What is said of an end must not keep it from coming. */
function harmless(log: (line: string) => void): (line: string) => void {
  return (line) => {
    void observe(
      () => log(line),
      () => {},
    );
  };
}

function logToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** An output that nobody reads any more (EPIPE) ends nothing. It stays so to the end: the error comes some time after the write. */
function ignoreErrorsOf(output: NodeJS.WriteStream): void {
  if (!output.listeners("error").includes(ignore)) output.on("error", ignore);
}

function ignore(): void {}

function readRuntime(runtime: unknown): void {
  const { startAll, shutdown, onShutdown } = readRecord(runtime, "runtime", A_RUNTIME);
  if ([startAll, shutdown, onShutdown].every((method) => typeof method === "function")) return;
  throw invalidOption("runtime", runtime, A_RUNTIME);
}

const A_RUNTIME = "a runtime made by createLifecycle";

// The system lets no process listen to these.
const UNHEARD = ["SIGKILL", "SIGSTOP"];

const READERS: OptionReaders<{
  signals: readonly NodeJS.Signals[];
  startWorkers: boolean;
  shutdownTimeoutMs: number;
  signal: AbortSignal;
  log: (line: string) => void;
}> = {
  signals(value, path) {
    if (!Array.isArray(value)) throw invalidOption(path, value, "a list of signal names");
    const names = Array.from<NodeJS.Signals>(value);
    names.forEach((name, index) => {
      if (!Object.hasOwn(constants.signals, name) || UNHEARD.includes(name)) {
        throw invalidOption(`${path}[${index}]`, name, "the name of a signal, such as SIGTERM");
      }
    });
    return [...new Set(names)];
  },
  startWorkers: readBoolean,
  shutdownTimeoutMs: readDurationMs,
  signal: readSignal,
  log: readFunction,
};
