// A runtime's hub with its sink, so that a test can emit what it likes.

import type { EventSink, EventSource, WorkerkitEvents } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, type Lifecycle, type LifecycleOptions } from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";

export interface TestHub {
  readonly clock: FakeClock;
  readonly runtime: Lifecycle;
  readonly events: EventSource<WorkerkitEvents>;
  readonly sink: EventSink<WorkerkitEvents>;
  /** What listeners did wrong, unless the options say who is told. */
  readonly errors: [error: unknown, event: string][];
}

export function eventHub(options: Partial<LifecycleOptions> = {}): TestHub {
  const clock = createFakeClock({ now: 0 });
  const errors: [unknown, string][] = [];
  const onListenerError = (error: unknown, event: string) => errors.push([error, event]);
  const runtime = createLifecycle({ name: "shop", clock, onListenerError, ...options });
  const sink = extend(runtime, {
    name: "sink",
    workerOptions: {},
    runtimeOptions: {},
    attach: (host) => host.sink,
    onRegister() {},
  });
  return { clock, runtime, events: runtime.events, sink, errors };
}

/** An event that carries a number. */
export function stall(silentMs: number): WorkerkitEvents["worker:stall"] {
  return { runtime: "shop", at: 0, worker: "w", generation: 1, silentMs };
}
