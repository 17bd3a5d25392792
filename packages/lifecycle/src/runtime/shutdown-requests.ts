// Telling those who run a process that the runtime is to be shut down, or is being shut down already.

import type { Unsubscribe } from "@workerkit/contracts";
import type { EventHub } from "./hub.ts";
import type { ShutdownRequest } from "./lifecycle.ts";

export class ShutdownRequests {
  readonly #hub: EventHub;
  readonly #listeners = new Set<(request: ShutdownRequest) => void>();
  #announced = false;

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  listen(listener: (request: ShutdownRequest) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells everyone of the first request; says whether anybody was there to carry it out. */
  announce(request: ShutdownRequest): boolean {
    const taken = this.#listeners.size > 0;
    if (this.#announced) return taken;
    this.#announced = taken;
    for (const listener of this.#listeners) {
      try {
        listener(request);
      } catch (error) {
        this.#hub.report(error, "onShutdown");
      }
    }
    return taken;
  }

  /** The shutdown is over; the next one is announced anew. */
  ended(): void {
    this.#announced = false;
  }
}
