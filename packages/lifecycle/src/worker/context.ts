// The context of one generation. Its methods are made when they are read, bound and ready to be passed on.
// It works through the prototype chain too: `Object.create(ctx, …)` is a context with more to it.

import {
  type Clock,
  invalidOption,
  readDurationMs,
  sleep,
  WorkerkitError,
  type WorkerkitEvents,
} from "@workerkit/contracts";
import { BoundedLease } from "./bounded-lease.ts";
import type { WorkerDefinition } from "./definition.ts";
import type { Generation } from "./generation.ts";
import { publicLease, WorkLease } from "./lease.ts";
import { statusOf, type WorkerStatus, withNotes } from "./status.ts";
import { setFlags } from "./transition.ts";
import type { Lease, LeaseOptions, WorkerContext } from "./worker.ts";

export class Context implements WorkerContext<unknown> {
  /** Not private by `#`, which does not reach through the prototype chain. */
  private readonly "~generation": Generation;

  constructor(generation: Generation) {
    this["~generation"] = generation;
  }

  get name(): string {
    return this["~generation"].worker.fullName;
  }

  get localName(): string {
    return this["~generation"].worker.name;
  }

  get generation(): number {
    return this["~generation"].number;
  }

  get signal(): AbortSignal {
    return this["~generation"].signal;
  }

  get draining(): AbortSignal {
    return this["~generation"].draining;
  }

  get state(): unknown {
    return this["~generation"].value;
  }

  get clock(): Clock {
    return this["~generation"].worker.core.clock;
  }

  get graceMs(): number {
    return this["~generation"].worker.policy.graceMs;
  }

  get random(): () => number {
    return this["~generation"].worker.core.random;
  }

  get setReady(): (ready: boolean) => boolean {
    const generation = this["~generation"];
    return (ready) => {
      if (!mayClaim(generation, ready)) return false;
      const { worker } = generation;
      if (worker.state === "starting") generation.wantsReady = ready;
      else setFlags(worker, ready, worker.acceptingWork);
      return true;
    };
  }

  get setAcceptingWork(): (acceptingWork: boolean) => boolean {
    const generation = this["~generation"];
    return (acceptingWork) => {
      if (!mayClaim(generation, acceptingWork)) return false;
      const { worker } = generation;
      if (worker.state === "starting") generation.wantsWork = acceptingWork;
      else setFlags(worker, worker.ready, acceptingWork);
      return true;
    };
  }

  get reportFailure(): (error: unknown) => boolean {
    const generation = this["~generation"];
    return (error) => generation.worker.core.requests.reportFailure(generation, error);
  }

  get heartbeat(): () => boolean {
    const generation = this["~generation"];
    return () => {
      if (generation.ended) return false;
      generation.stall?.beat();
      return true;
    };
  }

  get setBusy(): (busy: boolean) => boolean {
    const generation = this["~generation"];
    return (busy) => {
      if (generation.ended) return false;
      generation.stall?.setBusy(busy);
      return true;
    };
  }

  get admit(): (label?: string, options?: LeaseOptions) => Lease | undefined {
    const generation = this["~generation"];
    return (label = "work", options = undefined) => {
      const { ended, cut, worker } = generation;
      if (ended || cut || !ADMITS.has(worker.state)) return undefined;
      const name = String(label);
      const lease =
        options === undefined ? new WorkLease(name) : new BoundedLease(generation, name, options);
      generation.admit(lease);
      return publicLease(lease);
    };
  }

  get sleep(): (delayMs: number) => Promise<void> {
    const generation = this["~generation"];
    return (delayMs) => {
      readDurationMs(delayMs, "delayMs");
      const { core, fullName } = generation.worker;
      return sleep(core.clock, delayMs, generation.signal, { label: `${fullName} sleeps` });
    };
  }

  get use(): <S>(worker: WorkerDefinition<S>) => S {
    const generation = this["~generation"];
    return <S>(definition: WorkerDefinition<S>) => useDependency(generation, definition) as S;
  }

  get requestStop(): (reason: string) => boolean {
    const generation = this["~generation"];
    return (reason) => {
      if (generation.ended) return false;
      generation.worker.core.requests.stop(generation.worker, String(reason));
      return true;
    };
  }

  get requestShutdown(): (reason: string) => boolean {
    const generation = this["~generation"];
    return (reason) => {
      if (generation.ended) return false;
      generation.worker.core.requests.shutdown(generation.worker, String(reason));
      return true;
    };
  }

  get status(): () => WorkerStatus {
    const { worker } = this["~generation"];
    return () => statusOf(worker);
  }

  get note(): (fields: Readonly<Record<string, unknown>>) => boolean {
    const generation = this["~generation"];
    return (fields) => {
      if (generation.ended) return false;
      const { worker } = generation;
      worker.notes = withNotes(worker.notes, fields);
      return true;
    };
  }

  get emit(): WorkerContext["emit"] {
    const generation = this["~generation"];
    return (name, event) => {
      if (generation.ended) return false;
      if (name !== "check:end") throw invalidOption("name", name, '"check:end"');
      const { core } = generation.worker;
      if (core.hub.wants(name)) {
        const origin = core.eventOf(generation.worker, generation.number);
        core.hub.emit(name, { ...event, ...origin } as unknown as WorkerkitEvents[typeof name]);
      }
      return true;
    };
  }
}

const ADMITS: ReadonlySet<string> = new Set(["starting", "running", "draining"]);

/** Whether a worker may now say this of its readiness or admission (L10). */
function mayClaim(generation: Generation, claim: boolean): boolean {
  if (generation.ended) return false;
  if (typeof claim !== "boolean") {
    throw invalidOption("ready or acceptingWork", claim, "true or false");
  }
  const { state } = generation.worker;
  return state === "starting" || state === "running" || (state === "draining" && !claim);
}

function useDependency(generation: Generation, definition: WorkerDefinition<unknown>): unknown {
  const { worker } = generation;
  const dependency = worker.dependencies?.find((other) => other.definition === definition);
  if (dependency === undefined) {
    throw invalidOption(
      `workers.${worker.name}.dependsOn`,
      worker.dependsOn.map(({ name }) => name).join(", "),
      `to list the worker ${String(definition?.name)} that ctx.use asks for`,
    );
  }
  const { state } = dependency;
  if ((state === "running" || state === "draining") && dependency.generation !== undefined) {
    return dependency.generation.value;
  }
  throw new WorkerkitError(
    "INVALID_WORKER_STATE",
    `worker ${dependency.fullName} is ${state}: its state can be used while it is running or draining`,
    { details: { worker: dependency.fullName, state } },
  );
}
