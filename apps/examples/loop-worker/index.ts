// A loop that ticks until it is told to end, and a process that ends with it: by its own request here, or by Ctrl-C.

import { setInterval } from "node:timers/promises";
import { createLifecycle, defineWorker, loop, runUntilSignal } from "@workerkit/lifecycle";

const ticker = defineWorker({
  name: "ticker",
  worker: loop({
    onStart: () => ({ ticks: 0 }),
    async run({ state, draining, requestShutdown }) {
      // When drain begins the interval rejects with an AbortError: from then on that is a clean end.
      for await (const _ of setInterval(100, undefined, { signal: draining })) {
        state.ticks += 1;
        console.log(`tick ${state.ticks}`);
        if (state.ticks === 3) requestShutdown("three ticks are enough");
      }
    },
    onStop: ({ state }) => console.log(`stopped after ${state?.ticks} ticks`),
  }),
});

const runtime = createLifecycle({ name: "clock", workers: [ticker] });
const { workers } = await runUntilSignal(runtime, { log: console.log });
console.log(`${workers[0]?.worker}: ${workers[0]?.outcome}`);
