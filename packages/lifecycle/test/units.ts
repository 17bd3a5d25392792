// An extension as a package of its own would write one: workers run units of work, up to a limit of their own.

import { readLimit, WorkerkitError } from "@workerkit/contracts";
import {
  type ClosingReason,
  type Extension,
  type WorkerPort,
  WorkLease,
} from "@workerkit/lifecycle/extension";

export interface UnitOptions {
  /** How many units may be in flight at once. Default: no limit. */
  readonly units?: number | undefined;
}

export interface UnitRuntimeOptions {
  /** The limit of workers that have none of their own. */
  readonly defaultUnits?: number | undefined;
}

/** A unit of work: one object that is the lease, has its deadline, and knows how it ended. */
class Unit extends WorkLease {
  readonly #settle: (how: string) => void;
  readonly settled: Promise<string>;
  abortedWith: unknown = undefined;

  constructor(label: string) {
    super(label);
    let settle: (how: string) => void = () => {};
    this.settled = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
  }

  override onAbort(reason: () => unknown): void {
    this.abortedWith = reason();
  }

  override onDeadline(): void {
    this.abort(() => new WorkerkitError("TIMEOUT", `${this.label} took too long`));
  }

  override release(): void {
    super.release();
    this.#settle("done");
  }

  override abandon(): void {
    super.abandon();
    this.#settle("abandoned");
  }
}

export interface Units {
  /** Why a worker takes no unit now, if it does not. */
  refusal(worker: string, parent?: WorkLease): WorkerkitError | undefined;
  /** Begins a unit of work, or throws why it cannot. */
  run(worker: string, label: string, how?: { parent?: WorkLease; limitMs?: number }): Unit;
  port(worker: string): WorkerPort;
  /** What was closed, and the state of the worker at that moment. */
  readonly closings: string[];
  /** Ports that were taken back. */
  readonly gone: string[];
}

interface Member {
  readonly port: WorkerPort;
  readonly limit: number;
  active: number;
}

/** A fresh extension; `refuses` names a worker that it does not want. */
export function unitsFor(refuses?: string): Extension<UnitOptions, UnitRuntimeOptions, Units> {
  const members = new Map<string, Member>();
  const closings: string[] = [];
  const gone: string[] = [];
  let limit = Number.POSITIVE_INFINITY;
  let stateOf: (worker: string) => string = () => "";
  const find = (worker: string): Member => {
    const member = members.get(worker);
    if (member === undefined) throw new WorkerkitError("WORKER_NOT_FOUND", worker);
    return member;
  };
  return {
    name: "units",
    workerOptions: { units: readLimit },
    runtimeOptions: { defaultUnits: readLimit },
    attach({ lifecycle, deadlines }, { defaultUnits = limit }) {
      limit = defaultUnits;
      stateOf = (worker) => String(lifecycle.worker(worker)?.state);
      return {
        closings,
        gone,
        refusal: (worker, parent) => find(worker).port.refusal(parent),
        run(worker, label, { parent, limitMs = Number.POSITIVE_INFINITY } = {}) {
          const member = find(worker);
          const refused = member.port.refusal(parent);
          if (refused !== undefined) throw refused;
          if (member.active >= member.limit) throw new WorkerkitError("WORKER_SATURATED", worker);
          const unit = new Unit(label);
          member.port.open(unit);
          deadlines.set(unit, limitMs);
          member.active += 1;
          void unit.settled.then(() => {
            member.active -= 1;
            deadlines.clear(unit);
          });
          return unit;
        },
        port: (worker) => find(worker).port,
      };
    },
    onRegister(port, { units = limit }) {
      if (port.name === refuses) throw new WorkerkitError("INVALID_OPTION", `no ${port.name} here`);
      members.set(port.name, { port, limit: units, active: 0 });
    },
    onUnregister({ name }) {
      gone.push(name);
      members.delete(name);
    },
    onClosing({ name }, why: ClosingReason) {
      closings.push(`${name} ${why} while ${stateOf(name)}`);
    },
  };
}

/** One for a single runtime. */
export const units: ReturnType<typeof unitsFor> = unitsFor();
