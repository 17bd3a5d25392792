// A runtime, the model beside it, and the hands that do to it what a plan says.

import type { AnyEvent, WorkerkitEvents } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  type Lease,
  type Lifecycle,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerStatus,
} from "@workerkit/lifecycle";
import { createRandom } from "../doubles/random.ts";
import { eventLine } from "../record/event-line.ts";
import type { Scene, Working } from "./actor.ts";
import { type Call, Calls } from "./calls.ts";
import { drawnCast, givenCast, type HookRecord, type Member, type Watch } from "./cast.ts";
import { Fold } from "./fold.ts";
import { Violation } from "./invariants.ts";
import { EventLaws, HookLaws, type Lawful } from "./laws.ts";
import { naiveReady, naiveState } from "./naive.ts";
import type { Plan, Saying } from "./plan.ts";
import { say } from "./say.ts";

/** A unit of work that the world holds. */
export interface HeldLease {
  readonly worker: string;
  readonly ctx: WorkerContext<unknown>;
  readonly label: string;
  readonly lease: Lease;
  state: "open" | "abandoned" | "ended";
}

export class World implements Scene {
  readonly clock: FakeClock = createFakeClock();
  readonly runtime: Lifecycle;
  readonly cast: readonly Member[];
  readonly members: ReadonlyMap<string, Member>;
  readonly calls: Calls = new Calls(this.clock, (call, certain) => {
    this.left = true;
    if (certain) this.#forsake(call);
  });
  /** Generations whose start nobody waits for any more. */
  readonly #forsaken = new Map<string, number>();
  readonly leases: HeldLease[] = [];
  readonly working: Set<Working> = new Set();
  readonly fold: Fold = new Fold();
  readonly hooks: HookLaws;
  /** Every event as a line, oldest first. */
  readonly log: string[] = [];
  /** How long the log was when the violation was found. */
  logBefore: number | undefined = undefined;
  readonly reached: Map<string, number> = new Map();
  readonly allWorkers: boolean;
  /** Whether the workers are drawn: only then is all their work known. */
  readonly drawn: boolean;
  healed = false;
  events = 0;
  /** Whether an operation may go on that nobody waits for: its callers have left. */
  left = false;
  readonly #closing: ("stop all" | "shutdown")[] = [];
  /** How often a start was asked for. */
  starts = 0;
  /** The number of the latest call that asked for one. */
  latestStart = -1;
  #startsBefore = 0;
  #closingBefore = false;
  /** How long a shutdown may wait for listeners: as long as a flush may take, where one hangs. */
  readonly flushMs: number;
  /** What workers did by themselves, from inside a hook or an abort. */
  acts = 0;
  /** Those that count for readiness although they never started; undefined = it cannot be told. */
  readonly counted: Map<string, boolean | undefined> = new Map();
  readonly #laws: EventLaws;
  #violation: Violation | undefined = undefined;
  readonly #sequences: string[][] = [];

  constructor(plan: Plan, given?: readonly WorkerDefinition[]) {
    const watch: Watch = { called: (...call) => this.#hookCalled(...call) };
    this.drawn = given === undefined;
    this.allWorkers = plan.allWorkers;
    const hangs = plan.operations.some(
      ({ operation }) => operation.do === "listen" && operation.how === "hang",
    );
    this.flushMs = hangs ? 1_000 : 0;
    this.cast = given ? givenCast(given, watch) : drawnCast(plan.workers, this, watch);
    this.members = new Map(this.cast.map((member) => [member.name, member]));
    this.runtime = createLifecycle({
      name: "storm",
      instanceId: "storm-1",
      clock: this.clock,
      random: createRandom(plan.seed),
      readinessPolicy: plan.allWorkers ? "all-workers" : "contributing-workers",
      onListenerError: () => {},
    });
    this.#laws = new EventLaws(this.#lawful());
    this.hooks = new HookLaws(this.#lawful(), (error) => this.fail(error));
    this.runtime.events.onAny((...event) => this.#hear(...event));
    this.runtime.onShutdown(({ worker }) => {
      if (worker !== undefined) this.shutdown(1_000);
    });
    if (plan.seed % 8 === 0) this.#listenTwice();
  }

  /** The first violation counts: what comes after follows from it. */
  fail(error: unknown): void {
    if (this.#violation !== undefined) return;
    this.#violation =
      error instanceof Violation ? error : new Violation("no crash", stackOf(error));
    this.logBefore = this.log.length;
  }

  get violation(): Violation | undefined {
    return this.#violation;
  }

  get closing(): "stop all" | "shutdown" | undefined {
    return this.#closing.includes("shutdown") ? "shutdown" : this.#closing[0];
  }

  reach(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = this.clock.setTimeout(callback, delayMs, { label: "drawn code works" });
    return () => this.clock.clearTimeout(timer);
  }

  act(ctx: WorkerContext<unknown>, what: Saying | "stop itself"): void {
    this.acts += 1;
    if (what === "stop itself") this.stop(ctx.localName, false);
    else say(this, ctx, what, 0);
  }

  stop(worker: string, wide: boolean): void {
    this.calls.make({ name: "stop", worker, alone: !wide }, (signal) =>
      this.runtime.stop(worker, { signal, dependants: wide }),
    );
  }

  /** Ends all workers; it is known to go on until `whole` settles, also for callers who leave. */
  end(name: "stop all" | "shutdown", whole: Promise<unknown>): void {
    if (name === "shutdown" && this.closing === "shutdown") this.reach("double shutdown");
    this.#closing.push(name);
    const over = () => {
      this.#closing.splice(this.#closing.indexOf(name), 1);
      this.#closingBefore &&= this.closing !== undefined;
      this.left = false;
    };
    whole.then(over, over);
  }

  shutdown(timeoutMs: number, abortAfterMs?: number): void {
    const boundMs = timeoutMs + this.flushMs + 5 * (1 + this.cast.length);
    this.calls.make({ name: "shutdown", abortAfterMs, boundMs }, (signal) => {
      const ending = this.runtime.shutdown({ timeoutMs, signal });
      this.end("shutdown", ending);
      return ending;
    });
  }

  /** What has been registered anew begins from 1 again. */
  forget(worker: string): void {
    this.#forsaken.delete(worker);
  }

  statuses(): WorkerStatus[] {
    return this.runtime.workers();
  }

  /** Everything that anybody could see of the runtime. */
  snapshot(): string {
    return JSON.stringify([this.runtime.status(), this.runtime.workers()]);
  }

  /** Lets all that waits for no timer run out, and looks whether everything holds. */
  async settleDown(): Promise<void> {
    await this.clock.flush();
    this.look();
  }

  look(): void {
    this.#startsBefore = this.starts;
    this.#closingBefore = this.closing !== undefined;
    if (this.#violation !== undefined) return;
    try {
      const statuses = this.statuses();
      this.fold.compare(this.runtime, statuses);
      this.#lookAtRuntime(statuses);
      this.#lookAtCounts(statuses);
      this.calls.check();
    } catch (error) {
      this.fail(error);
    }
  }

  /** 18, at the end. */
  lookAtListeners(): void {
    const [first = [], ...others] = this.#sequences;
    for (const other of others) {
      const heard = first.slice(first.length - other.length).join("\n");
      if (other.join("\n") === heard) continue;
      this.fail(new Violation(18, "two listeners did not hear the same events in the same order"));
    }
  }

  /** 3. */
  #lookAtRuntime(statuses: readonly WorkerStatus[]): void {
    const workers = statuses.map(({ localName, state, ready, generation }) => {
      const policy = this.members.get(localName)?.policy;
      return {
        ...{ state, ready },
        contributes: policy?.contributesToReadiness ?? true,
        failurePolicy: policy?.failurePolicy ?? "isolate",
        counts: generation > 0 ? true : this.#counts(localName),
      };
    });
    const { state, ready, workers: number } = this.runtime.status();
    const expected = naiveState(workers);
    if (state !== expected || number !== statuses.length) {
      throw new Violation(3, `the runtime is ${state}, and follows to be ${expected}`);
    }
    const { allWorkers, closing } = this;
    const shouldBe = naiveReady(workers, { allWorkers, closing: closing !== undefined });
    if (shouldBe !== undefined && shouldBe !== ready) {
      throw new Violation(3, `ready is ${ready}, and follows to be ${shouldBe}`);
    }
  }

  #counts(name: string): boolean | undefined {
    return this.counted.has(name) ? this.counted.get(name) : false;
  }

  /** 4. */
  #lookAtCounts(statuses: readonly WorkerStatus[]): void {
    const total = this.runtime.status();
    let inFlight = 0;
    let abandoned = 0;
    for (const status of statuses) {
      inFlight += status.inFlight;
      abandoned += status.abandoned;
      if (status.inFlight < 0 || status.abandoned < 0) {
        throw new Violation(4, `${status.localName} counts below 0`);
      }
      if (this.drawn) this.#lookAtWork(status);
    }
    if (total.inFlight !== inFlight || total.abandoned !== abandoned) {
      throw new Violation(
        4,
        `the runtime counts ${total.inFlight} in flight and ${total.abandoned} abandoned, its workers ${inFlight} and ${abandoned}`,
      );
    }
  }

  #lookAtWork({ localName, inFlight, abandoned }: WorkerStatus): void {
    let open = 0;
    let left = 0;
    for (const { worker, state } of this.leases) {
      if (worker !== localName) continue;
      if (state === "open") open += 1;
      else if (state === "abandoned") left += 1;
    }
    const member = this.members.get(localName);
    if (member) for (const record of this.hooks.working(member)) left += record.abandoned ? 1 : 0;
    if (open === inFlight && left === abandoned) return;
    throw new Violation(
      4,
      `${localName} counts ${inFlight} in flight and ${abandoned} abandoned; there are ${open} and ${left}`,
    );
  }

  #hear(...event: AnyEvent<WorkerkitEvents>): void {
    const [name, fields] = event;
    this.events += 1;
    this.log.push(eventLine({ atMs: this.clock.monotonicMs(), name, event: fields }));
    if (this.#violation !== undefined) return;
    try {
      if (name === "worker:abandoned") this.#codeAbandoned(fields);
      if (name === "worker:transition" && fields.to === "running") this.#mayRun(fields);
      this.#laws.hear(...event);
      this.fold.hear(...event);
    } catch (error) {
      this.fail(error);
    }
  }

  #mayRun({ worker, generation }: WorkerkitEvents["worker:transition"]): void {
    if (this.#forsaken.get(worker) !== generation) return;
    throw new Violation(19, `${worker} runs although the only caller of its start has left`);
  }

  /** Once its only caller has left, a start ends; whoever came later may have joined it. */
  #forsake({ worker, begins, number }: Call): void {
    if (worker === undefined || begins === undefined) return;
    const status = this.runtime.worker(worker);
    if (number !== this.latestStart || status?.state !== "starting") return;
    if (status.generation !== begins) return;
    this.#forsaken.set(worker, begins);
  }

  #codeAbandoned({ worker, generation, phase, label }: WorkerkitEvents["worker:abandoned"]): void {
    const member = this.members.get(worker);
    if (phase !== "lease" && member) return this.hooks.abandoned(member, generation, phase);
    const held = this.leases.find((lease) => lease.label === label && lease.state === "open");
    if (held) held.state = "abandoned";
  }

  #hookCalled(member: Member, hook: HookRecord["hook"], ctx: WorkerContext<unknown>) {
    const beganMs = this.clock.monotonicMs();
    const record: HookRecord = {
      ...{ member, hook, ctx, generation: ctx.generation, beganMs },
      ...{ settled: undefined, abandoned: false },
    };
    if (hook === "stop" && this.leases.some((held) => isOpen(held, ctx))) {
      const open = this.leases.filter((held) => isOpen(held, ctx));
      this.hooks.soon(() => checkEnded(open, member.name));
    }
    try {
      this.hooks.called(record);
    } catch (error) {
      this.fail(error);
    }
    return (failed: boolean, error: unknown) => {
      record.settled = { failed, error, atMs: this.clock.monotonicMs() };
      this.hooks.returned(record);
    };
  }

  #listenTwice(): void {
    const listen = () => {
      const heard: string[] = [];
      this.#sequences.push(heard);
      this.runtime.events.onAny((name, { at }) => {
        heard.push(`${name} ${at}`);
      });
    };
    listen();
    listen();
    this.after(50, listen);
  }

  #lawful(): Lawful {
    return {
      members: this.members,
      fold: this.fold,
      monotonicMs: () => this.clock.monotonicMs(),
      blockedMs: () => this.calls.blockedMs,
      starts: () => this.starts,
      closing: () => this.closing !== undefined && this.#closingBefore,
      startsBefore: () => this.#startsBefore,
      startPending: () => this.calls.busyWith(STARTS),
      stopPending: (worker) =>
        [...this.calls.pending].some(
          (call) => call.seen && call.alone && call.name === "stop" && call.worker === worker,
        ),
      reached: (what) => this.reach(what),
    };
  }
}

/** Whether work of this very generation goes on, and its context is no other's. */
function isOpen({ ctx, state }: HeldLease, generation: WorkerContext<unknown>): boolean {
  return state === "open" && (ctx === generation || isOnTopOf(ctx, generation));
}

function isOnTopOf(ctx: object, base: object): boolean {
  return Object.prototype.isPrototypeOf.call(base, ctx);
}

function checkEnded(work: readonly HeldLease[], worker: string): void {
  const open = work.find(({ state }) => state === "open");
  if (open === undefined) return;
  throw new Violation(12, `the stop hook of ${worker} is called while its ${open.label} goes on`);
}

const STARTS = new Set(["start", "start all"] as const);

function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return "something unreadable was thrown";
  }
}
