// A worker that does what a script says: it stands in for real ones, and for everything that can go wrong in them.

import { type OptionReader, type OptionReaders, readOptions } from "@workerkit/contracts";
import { type HookCall, loop, type Worker, type WorkerContext } from "@workerkit/lifecycle";
import { play, type ResolvedStep, readSteps, type Steps, stepOf } from "./step.ts";

/** What each hook of a scripted worker does, call by call; a hook that is left out succeeds at once. */
export interface WorkerScript<State = unknown> {
  readonly start?: Steps | undefined;
  /** Makes it a loop; each life of it is one call. `succeed` ends the loop by itself, which is a failure. */
  readonly run?: Steps | undefined;
  /** Left out, the worker has no drain hook. */
  readonly drain?: Steps | undefined;
  readonly stop?: Steps | undefined;
  /** What a start returns whose step names no value. Default undefined. */
  readonly state?: State | undefined;
}

/** One call of a hook, as it was seen. */
export interface SeenCall {
  readonly hook: "start" | "run" | "drain" | "stop";
  readonly generation: number;
  /** When it was called, in monotonic ms of the clock. */
  readonly atMs: number;
  /** `working` until it settles. */
  readonly outcome: "working" | "succeeded" | "failed";
}

/** A worker that does what its script says, and tells what became of it. */
export interface ScriptedWorker<State = unknown> extends Worker<State> {
  /** Every call of a hook so far, in order. */
  readonly calls: readonly SeenCall[];
  /** The context of the latest start: to report failures, admit work and say whether it is ready, from a test. */
  readonly context: WorkerContext<unknown> | undefined;
}

/** Creates a worker from a script. Throws `INVALID_OPTION` saying what was expected. */
export function scriptedWorker<State = undefined>(
  script: WorkerScript<State> = {},
): ScriptedWorker<State> {
  const read = readOptions<ResolvedScript>(script, "script", SCRIPT_READERS);
  const actor = new Actor(read);
  const start = (ctx: WorkerContext<void>, { signal }: HookCall) =>
    actor.begin(ctx, signal) as Promise<State>;
  const drain = (ctx: WorkerContext<unknown>, { signal }: HookCall) =>
    actor.play("drain", ctx, signal);
  const stop = (ctx: WorkerContext<unknown>, { signal }: HookCall) =>
    actor.play("stop", ctx, signal);
  const base =
    read.run === undefined
      ? { start, stop }
      : loop<State>({
          onStart: start,
          run: (ctx) => actor.play("run", ctx, ctx.signal),
          onStop: stop,
        });
  return Object.defineProperties(
    { ...base, ...(read.drain && { drain }) },
    {
      calls: { get: () => actor.calls, enumerable: true },
      context: { get: () => actor.context },
    },
  ) as ScriptedWorker<State>;
}

interface ResolvedScript {
  readonly start: readonly ResolvedStep[];
  readonly run: readonly ResolvedStep[];
  readonly drain: readonly ResolvedStep[];
  readonly stop: readonly ResolvedStep[];
  readonly state: unknown;
}

const asGiven: OptionReader<unknown> = (value) => value;

const SCRIPT_READERS: OptionReaders<ResolvedScript> = {
  start: readSteps,
  run: readSteps,
  drain: readSteps,
  stop: readSteps,
  state: asGiven,
};

class Actor {
  readonly #script: Partial<ResolvedScript>;
  readonly #counts = { start: 0, run: 0, drain: 0, stop: 0 };
  readonly calls: SeenCall[] = [];
  context: WorkerContext<unknown> | undefined = undefined;

  constructor(script: Partial<ResolvedScript>) {
    this.#script = script;
  }

  async begin(ctx: WorkerContext<unknown>, signal: AbortSignal): Promise<unknown> {
    this.context = ctx;
    return (await this.play("start", ctx, signal)) ?? this.#script.state;
  }

  play(hook: SeenCall["hook"], ctx: WorkerContext<unknown>, signal: AbortSignal): Promise<unknown> {
    const { clock, localName, generation } = ctx;
    const step = stepOf(this.#script[hook] ?? [], this.#counts[hook]++);
    const call = { hook, generation, atMs: clock.monotonicMs() };
    const place = this.calls.push({ ...call, outcome: "working" }) - 1;
    const settled = (outcome: SeenCall["outcome"]) => {
      this.calls[place] = { ...call, outcome };
    };
    try {
      const playing = play(step, { clock, signal, label: `${localName} ${hook}` });
      playing.then(
        () => settled("succeeded"),
        () => settled("failed"),
      );
      return playing;
    } catch (error) {
      settled("failed");
      throw error;
    }
  }
}
