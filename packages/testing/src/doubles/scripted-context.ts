// The context of one generation without a runtime: it answers as the rules of the lifecycle say, and writes down what it is told.

import {
  type Clock,
  type ClockTimer,
  invalidOption,
  sleep,
  WorkerkitError,
  type WorkerState,
} from "@workerkit/contracts";
import {
  type KindEvent,
  type Lease,
  type LeaseOptions,
  POLICY_DEFAULTS,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerStatus,
} from "@workerkit/lifecycle";

/** What a worker said of itself. */
export interface ContextRecord {
  /** Whether it is ready; undefined while it has not said so. */
  readonly ready: boolean | undefined;
  readonly acceptingWork: boolean | undefined;
  /** What it reported by `ctx.reportFailure`. */
  readonly failures: readonly unknown[];
  /** The labels of the work that it admitted, in order. */
  readonly admitted: readonly string[];
  /** How much of that it has not released. */
  readonly inFlight: number;
  readonly heartbeats: number;
  /** The reasons it gave for a stop or a shutdown that it asked for. */
  readonly requests: readonly { readonly what: "stop" | "shutdown"; readonly reason: string }[];
  /** The fields it noted, latest values. */
  readonly notes: Readonly<Record<string, unknown>>;
  /** The events of its own kind that it emitted. */
  readonly emitted: readonly { readonly name: KindEvent; readonly event: unknown }[];
}

/** What a scripted context is made of. */
export interface ContextParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly name: string;
  readonly uses: readonly (readonly [worker: WorkerDefinition, state: unknown])[];
}

type Writable<T> = {
  -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key];
};

export class ScriptedContext implements WorkerContext<unknown> {
  readonly name: string;
  readonly localName: string;
  readonly generation = 1;
  readonly graceMs: number = POLICY_DEFAULTS.graceMs;
  readonly clock: Clock;
  readonly random: () => number;
  state: unknown = undefined;
  readonly record: Writable<ContextRecord> = {
    ready: undefined,
    acceptingWork: undefined,
    failures: [],
    admitted: [],
    inFlight: 0,
    heartbeats: 0,
    requests: [],
    notes: {},
    emitted: [],
  };
  readonly #uses: ContextParts["uses"];
  readonly #life = new AbortController();
  readonly #drain = new AbortController();
  readonly #leases = new Set<AbortController>();
  #phase: WorkerState = "registered";
  // Fields, for a kind may hand on `Object.create(ctx)`, and private ones do not reach through the prototype chain.
  readonly signal: AbortSignal = this.#life.signal;
  readonly draining: AbortSignal = this.#drain.signal;

  constructor({ clock, random, name, uses }: ContextParts) {
    this.clock = clock;
    this.random = random;
    this.name = `test/${name}`;
    this.localName = name;
    this.#uses = uses;
  }

  /** A hook is about to be called. */
  began(hook: "start" | "drain" | "stop"): void {
    if (hook === "start") {
      this.#phase = "starting";
    } else if (!this.#over) {
      this.#phase = hook === "drain" ? "draining" : "stopping";
      this.#abort(
        hook === "stop",
        new WorkerkitError("WORKER_STOPPING", `${this.name} is stopping`),
      );
    }
  }

  /** A hook has ended. */
  ended(hook: "start" | "drain" | "stop", outcome: "returned" | "threw", value: unknown): void {
    if (hook === "start") {
      if (outcome === "threw" || this.record.failures.length > 0) return this.fail();
      this.state = value;
      this.#phase = "running";
    } else if (hook === "stop") {
      this.#phase = outcome === "returned" ? "stopped" : "failed";
    }
  }

  /** The generation ends as after a failure: its signals abort, and what it says counts no more. */
  fail(): void {
    this.#phase = "failed";
    this.#abort(true, new WorkerkitError("WORKER_FAILED", `${this.name} has failed`));
  }

  readonly setReady = (ready: boolean): boolean => {
    if (!this.#mayClaim(ready)) return false;
    this.record.ready = ready;
    return true;
  };

  readonly setAcceptingWork = (acceptingWork: boolean): boolean => {
    if (!this.#mayClaim(acceptingWork)) return false;
    this.record.acceptingWork = acceptingWork;
    return true;
  };

  readonly reportFailure = (error: unknown): boolean => {
    if (this.#over) return false;
    this.record.failures.push(error);
    if (this.#phase === "running" || this.#phase === "draining") this.fail();
    return true;
  };

  readonly heartbeat = (): boolean => {
    if (this.#over) return false;
    this.record.heartbeats += 1;
    return true;
  };

  readonly setBusy = (_busy: boolean): boolean => !this.#over;

  readonly admit = (label = "work", options: LeaseOptions = {}): Lease | undefined => {
    if (this.#over || this.#phase === "stopping") return undefined;
    const { timeoutMs = Number.POSITIVE_INFINITY, onAbort, onAbandoned } = options;
    const work = new AbortController();
    let timer: ClockTimer | undefined;
    const release = () => {
      if (!this.#leases.delete(work)) return;
      this.record.inFlight -= 1;
      this.clock.clearTimeout(timer);
    };
    const late = () => {
      work.abort(new WorkerkitError("TIMEOUT", `${label} took longer than ${timeoutMs} ms`));
      timer = this.clock.setTimeout(abandon, this.graceMs, { label: `${label}: grace` });
    };
    const abandon = () => {
      release();
      onAbandoned?.();
    };
    this.#leases.add(work);
    this.record.admitted.push(label);
    this.record.inFlight += 1;
    if (onAbort !== undefined) {
      work.signal.addEventListener("abort", () => onAbort(work.signal.reason), { once: true });
    }
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      timer = this.clock.setTimeout(late, timeoutMs, { label: `${label}: limit` });
    }
    return { label, signal: work.signal, release, [Symbol.dispose]: release };
  };

  readonly sleep = (delayMs: number): Promise<void> =>
    sleep(this.clock, delayMs, this.signal, { label: `${this.name} sleeps` });

  readonly use = <S>(worker: WorkerDefinition<S>): S => {
    const pair = this.#uses.find(([used]) => used === worker);
    if (pair !== undefined) return pair[1] as S;
    const known = this.#uses.map(([{ name }]) => name).join(", ") || "none";
    throw invalidOption("script.uses", known, `a state for the worker ${worker.name}`);
  };

  readonly requestStop = (reason: string): boolean => this.#request("stop", reason);

  readonly requestShutdown = (reason: string): boolean => this.#request("shutdown", reason);

  readonly note = (fields: Readonly<Record<string, unknown>>): boolean => {
    if (this.#over) return false;
    this.record.notes = { ...this.record.notes, ...structuredClone(fields) };
    return true;
  };

  readonly emit: WorkerContext["emit"] = (name, event) => {
    if (this.#over) return false;
    this.record.emitted.push({ name, event });
    return true;
  };

  readonly status = (): WorkerStatus => {
    const { record, name, localName, generation } = this;
    const { ready = true, acceptingWork = true, inFlight, notes } = record;
    const running = this.#phase === "running";
    return {
      ...{ name, localName, kind: "worker", state: this.#phase },
      ready: running && ready,
      acceptingWork: running && acceptingWork,
      ...{ inFlight, abandoned: 0, generation, restarts: 0 },
      ...notes,
    };
  };

  get #over(): boolean {
    return this.#phase === "failed" || this.#phase === "stopped" || this.#phase === "registered";
  }

  #mayClaim(claim: boolean): boolean {
    const phase = this.#phase;
    return phase === "starting" || phase === "running" || (phase === "draining" && !claim);
  }

  #request(what: "stop" | "shutdown", reason: string): boolean {
    if (this.#over) return false;
    this.record.requests.push({ what, reason });
    return true;
  }

  #abort(whole: boolean, reason: WorkerkitError): void {
    this.#drain.abort(reason);
    if (!whole) return;
    this.#life.abort(reason);
    for (const work of [...this.#leases]) work.abort(reason);
  }
}
