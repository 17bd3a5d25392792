// One registered worker: all that the runtime knows of it. It is a record; transition.ts alone writes its state.

import type { WorkerState } from "@workerkit/contracts";
import type { RuntimeCore } from "../runtime/core.ts";
import type { NamedDependency, WorkerDefinition } from "./definition.ts";
import type { Generation } from "./generation.ts";
import type { HookRun } from "./hook-run.ts";
import type { Operation } from "./operation.ts";
import type { ResolvedPolicy } from "./policy.ts";
import type { CommandFailureStatus, FailureStatus } from "./status.ts";
import type { Worker } from "./worker.ts";

/** What a worker is registered with. */
export interface Registration {
  readonly definition: WorkerDefinition;
  readonly worker: Worker;
  readonly policy: ResolvedPolicy;
  readonly dependsOn: readonly NamedDependency[];
}

export class RegisteredWorker {
  readonly core: RuntimeCore;
  readonly name: string;
  readonly description: string | undefined;
  readonly definition: WorkerDefinition;
  readonly hooks: Worker;
  readonly policy: ResolvedPolicy;
  readonly dependsOn: readonly NamedDependency[];
  /** Whether it restarts with any of them. */
  readonly follows: boolean;
  /** Its place in the order of registration. */
  readonly index: number;

  // Written by transition.ts.
  state: WorkerState = "registered";
  ready = false;
  acceptingWork = false;
  cameFrom: WorkerState | undefined = undefined;
  changedAt = 0;
  reason = "";
  lastFailure: FailureStatus | undefined = undefined;
  startedAt: number | undefined = undefined;

  lastCommandFailure: CommandFailureStatus | undefined = undefined;
  notes: Readonly<Record<string, unknown>> | undefined = undefined;

  generation: Generation | undefined = undefined;
  generationNumber = 0;
  /** Units of work in flight, of all generations. */
  inFlight = 0;
  /** Code that outlived its grace and still runs, of all generations. */
  abandoned = 0;
  /** Whether it keeps its runtime from being ready, and its neighbours among those that do; written by tally.ts. */
  blocks = false;
  previousBlocker: RegisteredWorker | undefined = undefined;
  nextBlocker: RegisteredWorker | undefined = undefined;
  /** Whether it has left the registry, while an operation still waited for its turn. */
  unregistered = false;
  /** Whether its readiness counts: from its first start, or the first startAll after its registration. */
  counted = false;

  /** The operation whose turn it is. */
  current: Operation | undefined = undefined;
  /** The operations behind it, in call order. */
  waiting: Operation[] | undefined = undefined;
  /** Abandoned lifecycle code that still runs; while there is any, a start is refused. */
  strays: Set<HookRun> | undefined = undefined;
  /** The stop hook that runs, abandoned or not; two never overlap. */
  stopHook: HookRun | undefined = undefined;
  /** A stop that waits for an abandoned stop hook to return. */
  stopHookWaiter: ((clean: boolean) => void) | undefined = undefined;
  /** A generation whose start returned after its stop hook was called: its state is still to be cleaned up. */
  lateGeneration: Generation | undefined = undefined;
  /** Those who wait for `inFlight` to become 0. */
  idleWaiters: Set<() => void> | undefined = undefined;

  /** The dependencies as registered, once graph.ts has found them, and how deep the graph is below. */
  dependencies: readonly RegisteredWorker[] | undefined = undefined;
  depth = 0;

  /** When it began to drain, in the order of all that was admitted and drained. */
  drainBegan = 0;
  restarts = 0;
  /** When the restarts of the current window began, in monotonic ms. */
  restartedAtMs: number[] | undefined = undefined;

  constructor(core: RuntimeCore, registration: Registration, index: number) {
    this.core = core;
    this.definition = registration.definition;
    this.name = registration.definition.name;
    this.description = registration.definition.description;
    this.hooks = registration.worker;
    this.policy = registration.policy;
    this.dependsOn = registration.dependsOn;
    this.follows = this.dependsOn.some(({ onRestart }) => onRestart === "restart");
    this.index = index;
  }

  get fullName(): string {
    return `${this.core.name}/${this.name}`;
  }

  get kind(): string {
    return this.hooks.kind ?? "worker";
  }

  /** Whether drain has closed it to new work although it has not begun: it waits behind a start. */
  get drainWaits(): boolean {
    return this.waiting?.some((operation) => operation.kind === "drain") === true;
  }
}
