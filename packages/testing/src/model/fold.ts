// What the events say: folded one after the other, they must give what status() says at every quiet moment.

import type {
  AnyEvent,
  RuntimeState,
  WorkerFailureEvent,
  WorkerkitEvents,
  WorkerState,
  WorkerTransitionEvent,
} from "@workerkit/contracts";
import type { Lifecycle, WorkerStatus } from "@workerkit/lifecycle";
import { Violation } from "./invariants.ts";
import { LEGAL } from "./naive.ts";

/** A worker as its events tell it. */
export interface FoldedWorker {
  state: WorkerState;
  ready: boolean;
  acceptingWork: boolean;
  generation: number;
  restarts: number;
  startedAt: number | undefined;
  lastTransition: Pick<WorkerTransitionEvent, "from" | "to" | "at" | "reason"> | undefined;
  lastFailure: Pick<WorkerFailureEvent, "code" | "message" | "at"> | undefined;
  /** Whether it restarts because of a failure of its own. */
  fellItself: boolean;
}

export class Fold {
  readonly workers: Map<string, FoldedWorker> = new Map();
  #state: RuntimeState = "registered";
  #ready = false;

  /** Takes an event in. Throws a `Violation` of the walk through the states. */
  hear(...[name, event]: AnyEvent<WorkerkitEvents>): void {
    switch (name) {
      case "worker:registered":
        this.workers.set(event.worker, newcomer());
        return;
      case "worker:unregistered":
        this.workers.delete(event.worker);
        return;
      case "worker:transition":
        return move(this.#of(event.worker), event);
      case "worker:readiness":
        this.#of(event.worker).ready = event.ready;
        return;
      case "worker:admission":
        this.#of(event.worker).acceptingWork = event.acceptingWork;
        return;
      case "worker:failure": {
        const { code, message, at } = event;
        this.#of(event.worker).lastFailure = { code, message, at };
        return;
      }
      case "worker:restart":
        this.#of(event.worker).fellItself = true;
        return;
      case "runtime:transition":
        if (event.from !== this.#state || event.to === event.from) {
          throw new Violation(
            1,
            `the runtime went from ${event.from} to ${event.to}, and was ${this.#state}`,
          );
        }
        this.#state = event.to;
        return;
      case "runtime:readiness":
        if (event.ready === this.#ready) {
          throw new Violation(2, `runtime:readiness says ${event.ready}, which is no change`);
        }
        this.#ready = event.ready;
    }
  }

  /** Throws a `Violation` where a status says something else. */
  compare(runtime: Lifecycle, statuses: readonly WorkerStatus[]): void {
    const { state, ready } = runtime.status();
    agree("the runtime", { state, ready }, { state: this.#state, ready: this.#ready });
    if (statuses.length !== this.workers.size) {
      throw new Violation(2, `${statuses.length} workers, and ${this.workers.size} by the events`);
    }
    for (const status of statuses) {
      const { fellItself, ...folded } = this.#of(status.localName);
      // A worker that is no longer running has neither; no event says so.
      agree(status.localName, status, folded);
    }
  }

  #of(name: string): FoldedWorker {
    const worker = this.workers.get(name);
    if (worker === undefined)
      throw new Violation(1, `an event of ${name}, which is not registered`);
    return worker;
  }
}

function newcomer(): FoldedWorker {
  return {
    state: "registered",
    ready: false,
    acceptingWork: false,
    generation: 0,
    restarts: 0,
    startedAt: undefined,
    lastTransition: undefined,
    lastFailure: undefined,
    fellItself: false,
  };
}

function move(worker: FoldedWorker, event: WorkerTransitionEvent): void {
  const { from, to, at, reason, generation } = event;
  if (from !== worker.state || !LEGAL[from].includes(to)) {
    throw new Violation(1, `${event.worker} went from ${from} to ${to}, and was ${worker.state}`);
  }
  if (from === "restarting" && to === "starting" && worker.fellItself) worker.restarts += 1;
  if (to !== "restarting") worker.fellItself = false;
  if (to === "running") {
    worker.startedAt = at;
    worker.lastFailure = undefined;
  }
  worker.state = to;
  worker.generation = generation;
  worker.lastTransition = { from, to, at, reason };
}

function agree(
  who: string,
  status: Readonly<Record<string, unknown>> | WorkerStatus,
  folded: Readonly<Record<string, unknown>>,
): void {
  for (const [key, value] of Object.entries(folded)) {
    const said = status[key as keyof typeof status];
    if (said === value) continue;
    if (JSON.stringify(said) === JSON.stringify(value)) continue;
    throw new Violation(
      2,
      `${key} of ${who} is ${JSON.stringify(said)}, and by the events ${JSON.stringify(value)}`,
    );
  }
}
