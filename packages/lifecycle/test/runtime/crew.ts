// Some workers in a runtime on a fake clock, and a record of all that their hooks and the runtime did.

import type { AnyEvent, WorkerkitEvents, WorkerState } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  type Dependency,
  defineWorker,
  type HookCall,
  type Lifecycle,
  type LifecycleOptions,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerPolicy,
} from "@workerkit/lifecycle";
import { expect } from "vitest";

export type Hook = (ctx: WorkerContext<unknown>, call: HookCall) => unknown;

/** What a worker of the crew does; a hook left out does nothing. */
export interface Part extends WorkerPolicy {
  readonly start?: Hook;
  readonly drain?: Hook;
  readonly stop?: Hook;
  readonly dependsOn?: readonly Dependency[];
}

export interface Crew {
  readonly clock: FakeClock;
  readonly runtime: Lifecycle;
  /** Every call of a hook: `start db at 0`. */
  readonly calls: string[];
  /** Every event in words, of the runtime and of its workers. */
  readonly events: string[];
  readonly heard: AnyEvent<WorkerkitEvents>[];
  /** What listeners did wrong. */
  readonly listenerErrors: [error: unknown, event: string][];
  /** Registers one more. */
  add(name: string, what: Part): void;
  /** The state of each worker: `db running, api stopped`. */
  states(): string;
  state(worker: string): WorkerState | undefined;
  /** The context of the last start of a worker. */
  context(worker: string): WorkerContext<unknown>;
  /** Lets all that is due happen, and empties the two records. */
  settled(): Promise<void>;
  /** Shuts down and checks that no timer is left. */
  end(): Promise<void>;
}

/** Makes a definition whose hooks write down that they were called. */
export function part(
  name: string,
  { start, drain, stop, ...options }: Part,
  note: (hook: "start" | "drain" | "stop", ctx: WorkerContext<unknown>) => void = () => {},
): WorkerDefinition {
  return defineWorker<unknown>({
    name,
    ...options,
    worker: {
      start(ctx, call) {
        note("start", ctx);
        return start?.(ctx, call);
      },
      ...(drain && {
        drain(ctx: WorkerContext<unknown>, call: HookCall) {
          note("drain", ctx);
          return drain(ctx, call);
        },
      }),
      stop(ctx, call) {
        note("stop", ctx);
        return stop?.(ctx, call);
      },
    },
  });
}

/** Creates a runtime called `shop` with these workers, in this order. */
export function crew(
  parts: Readonly<Record<string, Part>>,
  options: Partial<LifecycleOptions> = {},
): Crew {
  const clock = createFakeClock({ now: 0 });
  const calls: string[] = [];
  const events: string[] = [];
  const heard: AnyEvent<WorkerkitEvents>[] = [];
  const listenerErrors: [unknown, string][] = [];
  const contexts = new Map<string, WorkerContext<unknown>>();
  const noted = (name: string, what: Part) =>
    part(name, what, (hook, ctx) => {
      calls.push(`${hook} ${name} at ${clock.monotonicMs()}`);
      if (hook === "start") contexts.set(name, ctx);
    });
  const workers = Object.entries(parts).map(([name, what]) => noted(name, what));
  const runtime = createLifecycle({
    name: "shop",
    instanceId: "test",
    clock,
    workers,
    onListenerError: (error, event) => listenerErrors.push([error, event]),
    ...options,
  });
  runtime.events.onAny((...event) => {
    heard.push(event);
    events.push(inWords(event));
  });
  return {
    ...{ clock, runtime, calls, events, heard, listenerErrors },
    add: (name, what) => runtime.register(noted(name, what)),
    states: () =>
      runtime
        .workers()
        .map(({ localName, state }) => `${localName} ${state}`)
        .join(", "),
    state: (worker) => runtime.worker(worker)?.state,
    context(worker) {
      const found = contexts.get(worker);
      if (found === undefined) throw new Error(`${worker} was never started`);
      return found;
    },
    async settled() {
      await clock.flush();
      calls.length = 0;
      events.length = 0;
      heard.length = 0;
    },
    async end() {
      await clock.settle(runtime.shutdown().catch(() => {}));
      await clock.flush();
      expect(clock.pending(), "timers left after shutdown").toEqual([]);
    },
  };
}

/** An event in few words. */
function inWords([name, event]: AnyEvent<WorkerkitEvents>): string {
  switch (name) {
    case "worker:transition":
      return `${event.worker}: ${event.from} > ${event.to}`;
    case "worker:readiness":
      return `${event.worker}: ${event.ready ? "ready" : "not ready"}`;
    case "worker:admission":
      return `${event.worker}: ${event.acceptingWork ? "accepting" : "not accepting"}`;
    case "worker:failure":
      return `${event.worker}: failure ${event.code}${event.final ? ", final" : ""}`;
    case "worker:abandoned":
      return `${event.worker}: abandoned ${event.label}`;
    case "runtime:transition":
      return `runtime: ${event.from} > ${event.to}`;
    case "runtime:readiness":
      return `runtime: ${event.ready ? "ready" : "not ready"}`;
    default:
      return "worker" in event ? `${event.worker}: ${name}` : name;
  }
}
