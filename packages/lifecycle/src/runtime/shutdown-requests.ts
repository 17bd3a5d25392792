// Telling those who run a process that the runtime is to be shut down, or is being shut down already.

import type { Unsubscribe } from "@workerkit/contracts";
import { type EventHub, observe } from "./hub.ts";
import type { ShutdownRequest } from "./lifecycle.ts";

export class ShutdownRequests {
  readonly #hub: EventHub;
  readonly #listeners = new Set<{ readonly hear: (request: ShutdownRequest) => unknown }>();
  #announced = false;

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  listen(listener: (request: ShutdownRequest) => void): Unsubscribe {
    // A fresh object for each subscription, so that one function may listen twice.
    const subscription = { hear: listener };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /** Tells everyone of the first request; says whether anybody was there to carry it out. */
  announce(request: ShutdownRequest): boolean {
    const taken = this.#listeners.size > 0;
    if (this.#announced) return taken;
    this.#announced = taken;
    const failed = (error: unknown) => this.#hub.report(error, "onShutdown");
    for (const { hear } of this.#listeners) void observe(() => hear(request), failed);
    return taken;
  }

  /** The shutdown is over; the next one is announced anew. */
  ended(): void {
    this.#announced = false;
  }
}
