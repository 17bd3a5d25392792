// One worker, from registration to shutdown: what a runtime knows of it at each step, and what is left in the end.

import { createLifecycle, defineWorker } from "@workerkit/lifecycle";

const cache = defineWorker({
  name: "cache",
  description: "Prices, as loaded at start",
  worker: {
    // What start returns is the worker's state: typed, and no module global.
    start: () => new Map([["apple", 40]]),
    stop: ({ state }) => console.log(`the stop hook drops ${state?.size} price`),
  },
});

const runtime = createLifecycle({ name: "shop" });
runtime.register(cache);
show("registered");

await runtime.start("cache");
show("started");

const report = await runtime.shutdown();
show("shut down");
for (const { worker, outcome, abandoned } of report.workers) {
  console.log(`${worker} ${outcome}, ${abandoned.length} pieces of code left behind`);
}

function show(when: string) {
  const { state, ready } = runtime.status();
  console.log(`${when}: runtime ${state}, ${ready ? "ready" : "not ready"};`, oneLine());
}

function oneLine() {
  const status = runtime.worker(cache);
  return `worker ${status?.name} ${status?.state}, generation ${status?.generation}`;
}
