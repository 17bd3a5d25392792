// One step of a script: how long code works, how it ends, and what it does when it is told to end.

import {
  type Clock,
  invalidOption,
  onAbort,
  optionPath,
  readBoolean,
  readDurationMs,
  readLimit,
  readOneOf,
  readOptions,
} from "@workerkit/contracts";

/** How a step ends: with a value, with an error, or never. */
export type Ending = "succeed" | "fail" | "hang";

/** What a step does when the signal of its call aborts: end with the signal's reason, go on as if nothing were, or end later. */
export type OnAbort =
  | "obey"
  | "ignore"
  | { readonly afterMs?: number | undefined; readonly ends: "succeed" | "fail" };

/** What one call of a scripted hook does. */
export interface Step {
  /** How it ends. Default `succeed`. */
  readonly ends?: Ending | undefined;
  /** How long it works first, in ms of the clock. Default 0: it ends at once. */
  readonly afterMs?: number | undefined;
  /** What it returns. Default undefined. */
  readonly value?: unknown;
  /** What it throws. Default an Error that names the hook. */
  readonly error?: unknown;
  /** Whether it throws from the call itself instead of rejecting; only with `ends: "fail"` and no `afterMs`. Default false. */
  readonly sync?: boolean | undefined;
  /** What it does when its signal aborts. Default `obey`. */
  readonly onAbort?: OnAbort | undefined;
  /** How many calls in a row do the same. Default 1; the last step of a script serves all further calls. */
  readonly times?: number | undefined;
}

/** A script of a hook: what its first call does, its second, and so on; the last one serves all further calls. */
export type Steps = Ending | Step | readonly (Ending | Step)[];

/** A step with every default filled in. */
export interface ResolvedStep {
  readonly ends: Ending;
  readonly afterMs: number;
  readonly value: unknown;
  readonly error: unknown;
  readonly sync: boolean;
  readonly onAbort: OnAbort;
  readonly times: number;
}

/** Reads a script of a hook. Throws `INVALID_OPTION` saying what was expected. */
export function readSteps(value: unknown, path: string): readonly ResolvedStep[] {
  if (!Array.isArray(value)) return [readStep(value, path)];
  if (value.length === 0) throw invalidOption(path, value, "at least one step");
  return value.map((step, index) => readStep(step, `${path}[${index}]`));
}

function readStep(value: unknown, path: string): ResolvedStep {
  if (typeof value === "string") return { ...STEP_DEFAULTS, ends: readEnding(value, path) };
  if (typeof value !== "object" || value === null) {
    throw invalidOption(path, value, '"succeed", "fail", "hang", or { ends, afterMs, ... }');
  }
  const step = { ...STEP_DEFAULTS, ...readOptions<ResolvedStep>(value, path, STEP_READERS) };
  if (step.sync && (step.ends !== "fail" || step.afterMs > 0)) {
    throw invalidOption(optionPath(path, "sync"), true, 'ends: "fail" and no afterMs beside it');
  }
  return step;
}

const STEP_DEFAULTS: ResolvedStep = {
  ends: "succeed",
  afterMs: 0,
  value: undefined,
  error: undefined,
  sync: false,
  onAbort: "obey",
  times: 1,
};

const anything = (value: unknown): unknown => value;

const STEP_READERS = {
  ends: readEnding,
  afterMs: readDurationMs,
  value: anything,
  error: anything,
  sync: readBoolean,
  onAbort: readOnAbort,
  times: readLimit,
};

function readEnding(value: unknown, path: string): Ending {
  return readOneOf(value, path, ["succeed", "fail", "hang"]);
}

function readOnAbort(value: unknown, path: string): OnAbort {
  if (typeof value !== "object") return readOneOf(value, path, ["obey", "ignore"]);
  const { afterMs = 0, ends } = readOptions<{ afterMs: number; ends: "succeed" | "fail" }>(
    value,
    path,
    {
      afterMs: readDurationMs,
      ends: (word, wordPath) => readOneOf(word, wordPath, ["succeed", "fail"]),
    },
  );
  if (ends === undefined) {
    throw invalidOption(optionPath(path, "ends"), undefined, '"succeed" or "fail"');
  }
  return { afterMs, ends };
}

/** The step for the n-th call of a hook, from 0. */
export function stepOf(steps: readonly ResolvedStep[], call: number): ResolvedStep {
  let left = call;
  for (const step of steps) {
    if (left < step.times) return step;
    left -= step.times;
  }
  return steps.at(-1) ?? STEP_DEFAULTS;
}

/** Where a step plays. */
export interface Stage {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Who it is, for the labels of its timers and its errors. */
  readonly label: string;
}

/** Plays a step: returns its promise, or throws if it throws from the call itself. */
export function play(step: ResolvedStep, { clock, signal, label }: Stage): Promise<unknown> {
  const { ends, afterMs, value, error = new Error(`${label} failed as scripted`), sync } = step;
  if (sync) throw error;
  return new Promise((resolve, reject) => {
    const end = (how: Ending) => {
      if (how === "succeed") resolve(value);
      else if (how === "fail") reject(error);
    };
    if (afterMs === 0 && ends !== "hang") return end(ends);
    const endless = ends === "hang" || afterMs === Number.POSITIVE_INFINITY;
    const timer = endless
      ? undefined
      : clock.setTimeout(() => finish(ends), afterMs, { label: `${label} works` });
    const finish = (how: Ending) => {
      ignore();
      clock.clearTimeout(timer);
      end(how);
    };
    const ignore =
      step.onAbort === "ignore"
        ? () => {}
        : onAbort(signal, () => {
            clock.clearTimeout(timer);
            const { onAbort: after } = step;
            if (typeof after === "string") return reject(signal.reason);
            if (!after.afterMs) return end(after.ends);
            clock.setTimeout(() => end(after.ends), after.afterMs, { label: `${label} ends late` });
          });
  });
}
