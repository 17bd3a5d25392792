// Code that behaves as it was drawn: a worker whose hooks meet their fates, call by call.

import { onAbort } from "@workerkit/contracts";
import { type HookCall, loop, type Worker, type WorkerContext } from "@workerkit/lifecycle";
import type { Fate, WorkerPlan } from "./plan.ts";
import { thrownFor } from "./thrown.ts";

/** Drawn code that runs: anybody may settle it. */
export interface Working {
  settle(fails: boolean, thrown: number): void;
}

/** What the world does for its actors. */
export interface Scene {
  readonly working: Set<Working>;
  /** Once true all code succeeds at once. */
  readonly healed: boolean;
  /** The worker does something from inside a hook, or from inside an abort. */
  act(
    ctx: WorkerContext<unknown>,
    what: Exclude<Fate["inside"] | Fate["atAbort"], "nothing">,
  ): void;
  after(delayMs: number, callback: () => void): () => void;
}

/** The worker of a plan. */
export function actor(plan: WorkerPlan, scene: Scene): Worker {
  const calls = { start: 0, run: 0, drain: 0, stop: 0 };
  const next = (hook: keyof typeof calls): Fate | undefined => {
    const fates = plan[hook] ?? [];
    return fates[calls[hook]++ % fates.length];
  };
  const hook = (name: keyof typeof calls) => (ctx: WorkerContext<unknown>, call: HookCall) =>
    meet(next(name), ctx, call.signal, scene);
  const drain = plan.drain && { drain: hook("drain") };
  if (!plan.loop) return { start: hook("start"), ...drain, stop: hook("stop") };
  const looping = loop({
    onStart: hook("start"),
    // A loop waits for its end by itself; drawn code that ignores that is what hangs a stop.
    run: (ctx) =>
      scene.healed
        ? new Promise<void>((resolve) => onAbort(ctx.draining, resolve))
        : meet(next("run"), ctx as WorkerContext<unknown>, ctx.signal, scene),
    onStop: () => {},
  });
  return { ...looping, ...drain };
}

function meet(
  fate: Fate | undefined,
  ctx: WorkerContext<unknown>,
  signal: AbortSignal,
  scene: Scene,
): unknown {
  if (fate === undefined || scene.healed) return undefined;
  const { afterMs, fails, sync, inside, atAbort } = fate;
  if (atAbort !== "nothing") {
    const aborts = atAbort === "admit" ? ctx.draining : ctx.signal;
    aborts.addEventListener("abort", () => !scene.healed && scene.act(ctx, atAbort), {
      once: true,
    });
  }
  if (inside !== "nothing") scene.act(ctx, inside);
  const { value: error } = thrownFor(fate.thrown);
  if (afterMs === 0 && fails && sync) throw error;
  if (afterMs === 0) return fails ? Promise.reject(error) : Promise.resolve();
  return new Promise((resolve, reject) => {
    let cancel: (() => void) | undefined;
    let ignore: (() => void) | undefined;
    const end = (failed: boolean, reason: unknown) => {
      cancel?.();
      ignore?.();
      scene.working.delete(working);
      if (failed) reject(reason);
      else resolve(undefined);
    };
    const working: Working = {
      settle: (failed, thrown) => end(failed, thrownFor(thrown).value),
    };
    scene.working.add(working);
    if (afterMs !== Number.POSITIVE_INFINITY) {
      cancel = scene.after(afterMs, () => end(fails, error));
    }
    if (fate.onAbort === "ignore") return;
    ignore = onAbort(signal, () => {
      cancel?.();
      if (fate.onAbort === "obey") return end(true, signal.reason);
      cancel = scene.after(fate.lateMs, () => end(fate.onAbort === "error", error));
    });
  });
}
