// A worker that is a loop: `run` goes on until it is told to end.

import {
  invalidOption,
  readBoolean,
  readFunction,
  readOptions,
  WorkerkitError,
} from "@workerkit/contracts";
import type { HookCall, MaybePromise, Worker, WorkerContext } from "../worker/worker.ts";
import { isAbortShaped } from "./abort-shaped.ts";

/** A loop with something to set up and to give back. */
export interface LoopHooks<State> {
  /** Runs before the loop; what it returns is the state. */
  readonly onStart?:
    | ((ctx: WorkerContext<void>, call: HookCall) => MaybePromise<State>)
    | undefined;
  /** The loop; once `ctx.draining` or `ctx.signal` has aborted it should end. */
  readonly run: (ctx: WorkerContext<NoInfer<State>>) => unknown;
  /** Runs after the loop has ended, also when `onStart` failed; a later stop retries it when it fails. */
  readonly onStop?:
    | ((ctx: WorkerContext<NoInfer<State> | undefined>, call: HookCall) => unknown)
    | undefined;
  /** Whether it is ready once launched. Default: as the worker's `readyOnStart` says. */
  readonly autoReady?: boolean | undefined;
}

/** How long the cleanup of a loop that ended by itself may take, in ms. */
const CLEANUP_LIMIT_MS = 5_000;

/**
 * A worker that runs a loop from start to stop. A loop that ends by itself has failed: with its error, or with `LOOP_EXITED`;
 * once drain has begun it may end, and an abort it was told of is no error. Throws `INVALID_OPTION`.
 */
export function loop<State = void>(
  run: ((ctx: WorkerContext<void>) => unknown) | LoopHooks<State>,
): Worker<State> {
  return loopWorker("loop", readHooks<State>(run));
}

/** A kind that is a loop within: how it starts, ends and fails is that of a loop. */
export function loopWorker<State>(kind: string, hooks: LoopHooks<State>): Worker<State> {
  // Of a loop proper nobody knows what it does while it runs; other kinds open leases.
  const busy = kind === "loop";
  const lives = new WeakMap<object, LoopLife<State>>();
  return {
    kind,
    start(ctx, call) {
      const life = new LoopLife<State>(hooks, busy);
      lives.set(ctx, life);
      return life.start(ctx, call);
    },
    stop: (ctx, call) => lives.get(ctx)?.stop(ctx, call),
  };
}

function readHooks<State>(run: unknown): LoopHooks<State> {
  if (typeof run === "function") return { run: run as LoopHooks<State>["run"] };
  const { run: loopRun, ...rest } = readOptions<Required<LoopHooks<State>>>(run, "loop", {
    onStart: readFunction,
    run: readFunction,
    onStop: readFunction,
    autoReady: readBoolean,
  });
  if (loopRun === undefined) throw invalidOption("loop.run", undefined, "a function");
  return { ...rest, run: loopRun };
}

/** One life of a loop, from one start to the stop that follows it. */
class LoopLife<State> {
  readonly #hooks: LoopHooks<State>;
  readonly #busy: boolean;
  #ended: Promise<void> = Promise.resolve();
  #cleanup: Promise<void> | undefined = undefined;
  /** What there is to clean up: at first what `onStart` may have begun, then also what it returned. */
  #dirt: object | undefined = {};

  constructor(hooks: LoopHooks<State>, busy: boolean) {
    this.#hooks = hooks;
    this.#busy = busy;
  }

  async start(ctx: WorkerContext<void>, call: HookCall): Promise<State> {
    const { autoReady, onStart } = this.#hooks;
    if (autoReady !== undefined) ctx.setReady(autoReady);
    const state = (await onStart?.(ctx, call)) as State;
    this.#dirt = {};
    // It may have been stopped, or given up, while it set up.
    if (ctx.signal.aborted) return state;
    this.#ended = Promise.resolve().then(() => this.#run(ctx, state));
    // The worker does not run before this returns, so that a loop that fails at once fails the start.
    await undefined;
    return state;
  }

  async stop(ctx: WorkerContext<State | undefined>, call: HookCall): Promise<void> {
    await this.#ended;
    await this.#cleanup; // two never overlap
    await this.#cleanUp(ctx, call);
  }

  /** Runs the loop to its end; one that fails by itself is reported, and then cleaned up (W1). */
  async #run(ctx: WorkerContext<void>, state: State): Promise<void> {
    try {
      ctx.setBusy(this.#busy);
      // The context learns of the state only after this begins.
      await this.#hooks.run(Object.create(ctx, { state: { value: state } }));
    } catch (error) {
      if (!ctx.draining.aborted || !isAbortShaped(error, ctx)) this.#failed(ctx, error);
      return;
    } finally {
      ctx.setBusy(false);
    }
    if (ctx.draining.aborted) return;
    const details = { worker: ctx.name };
    const message = `the loop of worker ${ctx.name} ended by itself`;
    this.#failed(ctx, new WorkerkitError("LOOP_EXITED", message, { details }));
  }

  #failed(ctx: WorkerContext<void>, error: unknown): void {
    // Once a stop has begun it waits for the loop, and cleans up by itself.
    const stopBegan = ctx.signal.aborted;
    ctx.reportFailure(error);
    if (!stopBegan) this.#cleanup = this.#cleanUpAlone(ctx as WorkerContext<never>);
  }

  async #cleanUp(ctx: WorkerContext<State | undefined>, call: HookCall): Promise<void> {
    const dirt = this.#dirt;
    if (dirt === undefined) return;
    await this.#hooks.onStop?.(ctx, call);
    // A start that was left to itself may have returned meanwhile.
    if (this.#dirt === dirt) this.#dirt = undefined;
  }

  /** Best effort: nobody called for it, a failure is only told, and a later stop tries again. */
  async #cleanUpAlone(ctx: WorkerContext<State | undefined>): Promise<void> {
    const limit = new AbortController();
    const { clock, name } = ctx;
    const late = () => {
      limit.abort(
        new WorkerkitError("TIMEOUT", `the cleanup of the loop of ${name} took too long`, {
          details: {
            ...{ worker: name, phase: "cleanup", limitMs: CLEANUP_LIMIT_MS },
            waitedFor: "onStop of its loop",
          },
        }),
      );
    };
    const timer = clock.setTimeout(late, CLEANUP_LIMIT_MS, { label: `${name} cleans up` });
    try {
      await this.#cleanUp(ctx, limit);
    } catch (cause) {
      const error = new WorkerkitError(
        "CLEANUP_FAILED",
        `the cleanup of the loop of ${name} failed`,
        {
          details: { worker: name },
          cause,
        },
      );
      process.emitWarning(error);
    } finally {
      clock.clearTimeout(timer);
    }
  }
}
