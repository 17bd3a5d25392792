// One worker alone, without a runtime: its hooks are called as a script says, with a context that writes down what it is told.

import {
  invalidOption,
  type OptionReaders,
  readDurationMs,
  readFunction,
  readOneOf,
  readOptions,
  readRecord,
} from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import type { Worker, WorkerContext, WorkerDefinition } from "@workerkit/lifecycle";
import { createRandom } from "./doubles/random.ts";
import { type ContextRecord, ScriptedContext } from "./doubles/scripted-context.ts";

/** What happens to the worker next: a hook is called, its generation's signal aborts as in a failure, or time passes. */
export type RunStep = "start" | "drain" | "stop" | "fail" | { readonly advanceMs: number };

/** How one worker is run. */
export interface RunScript<State = unknown> {
  /** What happens, in order. Default `["start", "drain", "stop"]`. */
  readonly steps?: readonly RunStep[] | undefined;
  /** What `ctx.use` gives for each dependency. Default none. */
  readonly uses?: readonly (readonly [worker: WorkerDefinition, state: unknown])[] | undefined;
  /** Looks at the record after each step. */
  readonly after?: ((step: RunStep, run: WorkerRun<State>) => unknown) | undefined;
  /** Default a fake clock of its own. */
  readonly clock?: FakeClock | undefined;
}

/** What one worker did. */
export interface WorkerRun<State = unknown> extends ContextRecord {
  /** What `start` returned. */
  readonly state: State | undefined;
  /** How each hook ended, in order. */
  readonly hooks: readonly HookEnd[];
  readonly clock: FakeClock;
}

/** How one call of a hook ended. */
export interface HookEnd {
  readonly hook: "start" | "drain" | "stop";
  readonly outcome: "returned" | "threw";
  /** What it threw. */
  readonly error?: unknown;
  /** How long it took, in ms of the clock. */
  readonly durationMs: number;
}

/**
 * Runs one worker alone. Resolves with what it did, whether its hooks succeed or not; rejects with `TIMEOUT` and the list of
 * timers when a hook never settles. Throws `INVALID_OPTION`.
 */
export async function runWorker<State>(
  worker: Worker<State>,
  script: RunScript<State> = {},
): Promise<WorkerRun<State>> {
  readHooks(worker);
  const {
    steps = DEFAULT_STEPS,
    uses = [],
    after,
    clock = createFakeClock(),
  } = readOptions<ResolvedScript<State>>(
    script,
    "script",
    READERS as OptionReaders<ResolvedScript<State>>,
  );
  const context = new ScriptedContext({ clock, uses, random: createRandom(1), name: "worker" });
  const hooks: HookEnd[] = [];
  const run = Object.defineProperties(Object.create(context.record), {
    state: { get: () => context.state, enumerable: true },
    hooks: { value: hooks, enumerable: true },
    clock: { value: clock },
  }) as WorkerRun<State>;
  for (const step of steps) {
    if (typeof step === "object") await clock.advance(step.advanceMs);
    else if (step === "fail") context.fail();
    else hooks.push(await callHook(worker, step, context, clock));
    await clock.flush();
    await after?.(step, run);
  }
  return run;
}

interface ResolvedScript<State> {
  readonly steps: readonly RunStep[];
  readonly uses: readonly (readonly [worker: WorkerDefinition, state: unknown])[];
  readonly after: (step: RunStep, run: WorkerRun<State>) => unknown;
  readonly clock: FakeClock;
}

const DEFAULT_STEPS: readonly RunStep[] = ["start", "drain", "stop"];

const READERS: OptionReaders<ResolvedScript<never>> = {
  steps: (value, path) => readList(value, path).map((step, at) => readStep(step, `${path}[${at}]`)),
  uses: (value, path) =>
    readList(value, path).map((pair, at) => {
      if (Array.isArray(pair) && pair.length === 2) return [pair[0], pair[1]] as const;
      throw invalidOption(
        `${path}[${at}]`,
        pair,
        "a pair of a worker and the state to give for it",
      );
    }),
  after: readFunction,
  clock(value, path) {
    if (typeof (value as Partial<FakeClock> | null)?.advance === "function") {
      return value as FakeClock;
    }
    throw invalidOption(path, value, "a clock made by createFakeClock");
  },
};

function readList(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidOption(path, value, "a list");
}

function readStep(value: unknown, path: string): RunStep {
  if (typeof value !== "object") return readOneOf(value, path, ["start", "drain", "stop", "fail"]);
  const { advanceMs } = readOptions<{ advanceMs: number }>(value, path, {
    advanceMs: readDurationMs,
  });
  if (advanceMs === undefined)
    throw invalidOption(`${path}.advanceMs`, undefined, "a number of ms");
  return { advanceMs };
}

function readHooks(worker: unknown): void {
  const { start, stop } = readRecord(worker, "worker", "an object with the hooks start and stop");
  readFunction(start, "worker.start");
  readFunction(stop, "worker.stop");
}

async function callHook<State>(
  worker: Worker<State>,
  hook: HookEnd["hook"],
  context: ScriptedContext,
  clock: FakeClock,
): Promise<HookEnd> {
  const beganMs = clock.monotonicMs();
  context.began(hook);
  const call = { signal: new AbortController().signal };
  // Settled as a value, so that what rejects is the clock: the hook hangs.
  const end = await clock.settle(async (): Promise<Partial<HookEnd> & { value?: unknown }> => {
    const ctx = context as unknown as WorkerContext<never>;
    try {
      const value =
        hook === "drain" ? await worker.drain?.(ctx, call) : await worker[hook](ctx, call);
      return { outcome: "returned", value };
    } catch (error) {
      return { outcome: "threw", error };
    }
  });
  const { outcome = "threw", value, ...rest } = end;
  context.ended(hook, outcome, value);
  return { hook, outcome, ...rest, durationMs: clock.monotonicMs() - beganMs };
}
