// What events and calls of hooks must obey as they happen.

import type { AnyEvent, WorkerkitEvents, WorkerTransitionEvent } from "@workerkit/contracts";
import type { HookRecord, Member } from "./cast.ts";
import type { Fold } from "./fold.ts";
import { Violation } from "./invariants.ts";
import { RELIES } from "./naive.ts";
import { THROWN } from "./thrown.ts";

/** What the laws ask of the world. */
export interface Lawful {
  readonly members: ReadonlyMap<string, Member>;
  readonly fold: Fold;
  readonly monotonicMs: () => number;
  readonly blockedMs: () => number;
  /** How often an operator has asked for a start that could have begun this worker's. */
  readonly starts: () => number;
  /** The same at the last quiet moment: an event is heard a little after it happened. */
  readonly startsBefore: () => number;
  /** Whether the end of all workers had been asked for at the last quiet moment, and is not over. */
  readonly closing: () => boolean;
  /** Whether such a start has been asked for and has not settled. */
  readonly startPending: () => boolean;
  /** Whether an operator has asked to stop this worker and waits for it. */
  readonly stopPending: (worker: string) => boolean;
  readonly reached: (what: string) => void;
}

/** Events, before they are folded. */
export class EventLaws {
  readonly #world: Lawful;
  readonly #rests = new Map<string, { readonly starts: number; readonly pending: boolean }>();
  readonly #restarts = new Map<string, number[]>();

  constructor(world: Lawful) {
    this.#world = world;
  }

  hear(...[name, event]: AnyEvent<WorkerkitEvents>): void {
    if (name === "worker:registered") this.#restarts.delete(event.worker);
    if (name === "worker:registered") this.#rest(event.worker);
    if (name === "worker:abandoned") this.#world.reached("abandonment");
    if (name === "worker:failure" && event.code === "RESTARTS_EXHAUSTED") {
      this.#world.reached("exhausted restarts");
    }
    if (name === "worker:transition") this.#move(event);
  }

  #move(event: WorkerTransitionEvent): void {
    const { worker, from, to, reason } = event;
    if (reason === "rollback") this.#world.reached("rollback");
    if (from === "restarting" && to === "stopping")
      this.#world.reached("restart cancelled by stop");
    if (to === "restarting" && this.#world.closing()) {
      throw new Violation(14, `${worker} restarts although all workers end`);
    }
    if (to === "starting") this.#starts(event);
    if (to === "stopping") this.#stops(event);
    if (to === "stopped" || to === "failed") this.#rest(worker);
  }

  #rest(worker: string): void {
    const { startsBefore, startPending } = this.#world;
    this.#rests.set(worker, { starts: startsBefore(), pending: startPending() });
  }

  /** 11 and 14. */
  #starts({ worker, from }: WorkerTransitionEvent): void {
    const { members, fold, starts, stopPending } = this.#world;
    const member = members.get(worker);
    for (const dependency of member?.dependsOn ?? []) {
      const state = fold.workers.get(dependency)?.state;
      if (state !== "running") {
        throw new Violation(
          11,
          `${worker} starts although ${dependency} is ${state ?? "not there"}`,
        );
      }
    }
    if (from !== "restarting") {
      const rest = this.#rests.get(worker);
      if (rest && !rest.pending && rest.starts === starts()) {
        throw new Violation(14, `${worker} starts from ${from}, and nobody asked for it`);
      }
      return;
    }
    if (stopPending(worker))
      throw new Violation(14, `${worker} restarts although its stop was called`);
    const restart = member?.policy.restart;
    if (restart === undefined || fold.workers.get(worker)?.fellItself !== true) return;
    const now = this.#world.monotonicMs();
    const recent = (this.#restarts.get(worker) ?? []).filter((at) => now - at < restart.withinMs);
    recent.push(now);
    this.#restarts.set(worker, recent);
    if (recent.length > restart.maxRestarts) {
      throw new Violation(
        14,
        `${worker} restarted ${recent.length} times within ${restart.withinMs} ms`,
      );
    }
  }

  #stops({ worker, from }: WorkerTransitionEvent): void {
    // One that fails or restarts leaves its dependants running, and so does the end of what follows (D3).
    if (from !== "running" && from !== "draining") return;
    const { members, fold } = this.#world;
    for (const [name, { state }] of fold.workers) {
      if (members.get(name)?.dependsOn.includes(worker) && RELIES.has(state)) {
        throw new Violation(11, `${worker} stops while ${name}, which depends on it, is ${state}`);
      }
    }
  }
}

/** Calls of hooks. */
export class HookLaws {
  readonly #world: Lawful;
  readonly #working = new Map<Member, Set<HookRecord>>();
  /** The attempts of the latest start of each worker. */
  readonly attempts: Map<Member, HookRecord[]> = new Map();
  readonly #fail: (violation: unknown) => void;

  constructor(world: Lawful, fail: (violation: unknown) => void) {
    this.#world = world;
    this.#fail = fail;
  }

  /** The hooks that have not returned. */
  working(member: Member): ReadonlySet<HookRecord> {
    return this.#working.get(member) ?? NONE;
  }

  /** What has been registered anew begins from 1 again. */
  forget(member: Member): void {
    this.attempts.delete(member);
  }

  called(record: HookRecord): void {
    const { member } = record;
    const others = [...this.working(member)];
    this.#working.set(member, new Set([...others, record]));
    if (others.length > 0) this.soon(() => checkOverlap(record, others));
    if (record.hook === "start") this.#attempt(record);
  }

  returned(record: HookRecord): void {
    this.#working.get(record.member)?.delete(record);
  }

  /** Code was abandoned: the oldest that fits is it. */
  abandoned(member: Member, generation: number, phase: string): void {
    const hook = phase === "cleanup" ? "stop" : phase;
    for (const record of this.working(member)) {
      if (record.hook === hook && record.generation === generation && !record.abandoned) {
        record.abandoned = true;
        return;
      }
    }
  }

  /** 13. */
  #attempt(record: HookRecord): void {
    const { member, generation } = record;
    const before = (this.attempts.get(member) ?? []).filter(
      (other) => other.generation === generation,
    );
    this.attempts.set(member, [...before, record]);
    const previous = before.at(-1);
    const { retry, policy } = member;
    if (previous === undefined || retry === undefined) return;
    const attempt = before.length + 1;
    if (attempt > retry.attempts) {
      throw new Violation(13, `attempt ${attempt} to start ${member.name}, of ${retry.attempts}`);
    }
    this.soon(() => {
      if (previous.abandoned)
        throw new Violation(13, `${member.name} is retried after an abandoned start`);
    });
    if (previous.settled === undefined) return;
    const { atMs, error } = previous.settled;
    const inTime = atMs - previous.beganMs < policy.startTimeoutMs;
    const thrown = THROWN.find(({ value }) => value === error);
    if (inTime && (thrown?.hopeless || answersYes(policy.isPanic, error))) {
      throw new Violation(13, `the start of ${member.name} is retried after ${thrown?.name}`);
    }
    const waitedMs = record.beganMs - atMs;
    if (waitedMs < retry.delayMs || waitedMs > retry.delayMs + 2 + this.#world.blockedMs()) {
      throw new Violation(
        13,
        `${member.name} is retried after ${waitedMs} ms, not ${retry.delayMs}`,
      );
    }
  }

  /** Looks when what was emitted before has been heard, and before any timer fires. */
  soon(check: () => void): void {
    let hops = Promise.resolve();
    for (let hop = 0; hop < 20; hop++) hops = hops.then(() => {});
    hops.then(check).catch(this.#fail);
  }
}

function answersYes(isPanic: ((error: unknown) => boolean) | undefined, error: unknown): boolean {
  try {
    return isPanic?.(error) === true;
  } catch {
    return false;
  }
}

const NONE: ReadonlySet<HookRecord> = new Set();

function checkOverlap(record: HookRecord, others: readonly HookRecord[]): void {
  const { member, hook } = record;
  for (const other of others) {
    if (hook === "stop" && other.hook !== "stop" && other.abandoned) continue;
    const how = other.abandoned ? "abandoned" : "running";
    throw new Violation(
      12,
      `the ${hook} hook of ${member.name} is called beside its ${how} ${other.hook} hook`,
    );
  }
}
