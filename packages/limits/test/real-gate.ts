// The real gate as the random test sees it: every caller that asked, and how it fares.

import { isWorkerkitError } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { createGate, type Gate } from "@workerkit/limits";
import type { Flavour, Standing } from "./gate-model.ts";

/** A caller of the real gate. */
interface Caller {
  readonly id: number;
  readonly flavour: Flavour;
  readonly controller: AbortController | undefined;
  standing: Standing;
  /** Gives the slot back, or ends the function that `run` called. */
  giveBack: () => void;
}

/** No signal, one of its own, or one that it shares with others. */
export type SignalChoice = "none" | "own" | "shared 1" | "shared 2";

export class RealGate {
  readonly clock: FakeClock = createFakeClock();
  readonly gate: Gate;
  readonly callers: Caller[] = [];
  readonly controllers = new Set<AbortController>();
  readonly served: Readonly<Record<Flavour, number[]>> = { tryAcquire: [], acquire: [], run: [] };
  readonly #shared = new Map<SignalChoice, AbortController>();
  drainedGiven = 0;

  constructor(limit: number, size: number, timeoutMs: number) {
    this.gate = createGate({ limit, queue: { size, timeoutMs }, clock: this.clock });
  }

  tryAcquire(): void {
    const caller = this.#newCaller("tryAcquire", undefined);
    const release = this.gate.tryAcquire();
    if (release === undefined) caller.standing = "refused";
    else this.#hold(caller, release);
  }

  acquire(timeoutMs: number | undefined, controller: AbortController | undefined): void {
    const caller = this.#newCaller("acquire", controller);
    void this.gate.acquire({ signal: controller?.signal, timeoutMs }).then(
      (release) => this.#hold(caller, release),
      (reason: unknown) => this.#refuse(caller, reason),
    );
  }

  run(timeoutMs: number | undefined, controller: AbortController | undefined): void {
    const caller = this.#newCaller("run", controller);
    const fn = () => new Promise<void>((end) => this.#hold(caller, end));
    void this.gate.run(fn, { signal: controller?.signal, timeoutMs }).then(
      () => {
        caller.standing = "gave back";
      },
      (reason: unknown) => this.#refuse(caller, reason),
    );
  }

  /** A controller for the next caller; `stale` takes one that has aborted as it is. */
  controllerFor(choice: SignalChoice, stale: boolean): AbortController | undefined {
    if (choice === "none") return undefined;
    const known = this.#shared.get(choice);
    if (known !== undefined && (stale || !known.signal.aborted)) return known;
    const controller = new AbortController();
    if (choice !== "own") this.#shared.set(choice, controller);
    this.controllers.add(controller);
    return controller;
  }

  #newCaller(flavour: Flavour, controller: AbortController | undefined): Caller {
    const id = this.callers.length;
    const caller: Caller = { id, flavour, controller, standing: "waiting", giveBack: () => {} };
    this.callers.push(caller);
    return caller;
  }

  #hold(caller: Caller, giveBack: () => void): void {
    caller.standing = "holding";
    this.served[caller.flavour].push(caller.id);
    caller.giveBack = () => {
      if (caller.flavour !== "run") caller.standing = "gave back";
      giveBack();
    };
  }

  #refuse(caller: Caller, reason: unknown): void {
    if (reason === caller.controller?.signal.reason && reason !== undefined) {
      caller.standing = "aborted";
    } else if (isWorkerkitError(reason, "SATURATED")) {
      caller.standing = reason.details.reason as Standing;
    } else throw reason;
  }
}
