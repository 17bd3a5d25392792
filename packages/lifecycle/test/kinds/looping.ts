// A worker that is a loop, in a rig: what its parts do is written down, with the time.

import { type LoopHooks, loop, type WorkerContext } from "@workerkit/lifecycle";
import { type RigOptions, rig } from "../worker/rig.ts";

const never = () => new Promise<never>(() => {});

/** A loop that runs until its signal aborts. */
export const untilStopped = ({ signal }: WorkerContext<unknown>) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

/** A worker that is a loop and writes down what its parts do. */
export function looping<State>(hooks: LoopHooks<State>, options: RigOptions = {}) {
  const log: string[] = [];
  const wrap = <Arguments extends unknown[], Result>(
    name: string,
    hook: ((...given: Arguments) => Result) | undefined,
  ) =>
    hook &&
    ((...given: Arguments) => {
      log.push(`${name} at ${built.clock.monotonicMs()}`);
      return hook(...given);
    });
  const built = rig({
    worker: loop<State>({
      onStart: wrap("onStart", hooks.onStart),
      run: wrap("run", hooks.run) ?? never,
      onStop: wrap("onStop", hooks.onStop ?? (() => {})),
      autoReady: hooks.autoReady,
    }),
    ...options,
  });
  return { ...built, log };
}

/** What a loop of a test throws. */
export function thrower(): never {
  throw new Error("no");
}
