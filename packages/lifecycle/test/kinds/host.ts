// One worker of a kind in a runtime on a fake clock: what it does is written down, and so is all that the runtime tells of it.

import type { AnyEvent, WorkerkitEvents } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  defineWorker,
  type Lifecycle,
  type Worker,
  type WorkerOptions,
  type WorkerStatus,
} from "@workerkit/lifecycle";
import { expect } from "vitest";
import { checkFold, checkWalk, inWords } from "../worker/rig.ts";

export interface HostOptions extends Omit<WorkerOptions<void>, "name" | "worker"> {
  /** The runtime's source of chance. Default always one half, so that jitter changes nothing. */
  readonly random?: () => number;
}

export interface Host {
  readonly clock: FakeClock;
  readonly runtime: Lifecycle;
  /** What the test said, each with the time. */
  readonly log: string[];
  readonly heard: AnyEvent<WorkerkitEvents>[];
  say(what: string): void;
  status(): WorkerStatus;
  /** Starts the worker, and lets all that is due at once happen. */
  start(): Promise<void>;
  /** Lets all that is due now happen, and returns the events since the last time, in words. */
  told(): Promise<string[]>;
  /** Shuts down and checks that the walk was legal, that events tell the status, and that nothing is left. */
  end(): Promise<void>;
}

/** Hosts the worker, under the name of `w`, in the runtime `rt`. */
export function host(worker: Worker<void>, options: HostOptions = {}): Host {
  const { random = () => 0.5, ...policy } = options;
  const clock = createFakeClock({ now: 0 });
  const runtime = createLifecycle({
    ...{ name: "rt", clock, random },
    workers: [defineWorker({ name: "w", ...policy, worker })],
  });
  const heard: AnyEvent<WorkerkitEvents>[] = [];
  runtime.events.onAny((...event) => {
    heard.push(event);
  });
  const log: string[] = [];
  let read = 0;
  const status = () => {
    const found = runtime.worker("w");
    if (found === undefined) throw new Error("the worker is gone");
    return found;
  };
  return {
    ...{ clock, runtime, log, heard, status },
    say: (what) => {
      log.push(`${what} at ${clock.monotonicMs()}`);
    },
    async start() {
      await clock.settle(runtime.start("w"));
      await clock.flush();
    },
    async told() {
      await clock.flush();
      const since = heard.slice(read).map(inWords);
      read = heard.length;
      return since;
    },
    async end() {
      await clock.settle(runtime.shutdown().catch(() => {}));
      await clock.flush();
      expect(clock.pending(), "timers left after shutdown").toEqual([]);
      checkWalk(heard, "w");
      checkFold(heard, status());
    },
  };
}

/** Settles like `promise`, and says how: its value, or the code or message of its error. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return code ?? message;
  }
}
