// Three workers that need each other: what one depends on starts before it and stops after it, whatever the order of registration.

import { createLifecycle, defineWorker, loop, runUntilSignal } from "@workerkit/lifecycle";

const database = defineWorker({
  name: "database",
  worker: {
    start: () => ({ orders: ["apples", "pears", "plums"], bills: 0 }),
    stop: () => {},
  },
});

const billing = defineWorker({
  name: "billing",
  dependsOn: [database],
  worker: {
    start({ use }) {
      const rows = use(database); // the state of the database, with its type
      return (order: string) => console.log(`  bill ${++rows.bills}: ${order}`);
    },
    stop: () => {},
  },
});

const orders = defineWorker({
  name: "orders",
  dependsOn: [database, billing],
  worker: loop(async ({ use, draining, sleep, requestShutdown }) => {
    while (!draining.aborted) {
      await sleep(10); // rejects when the worker stops, which is a clean end of a loop
      const order = use(database).orders.shift();
      if (order !== undefined) use(billing)(order);
      else requestShutdown("all is billed");
    }
  }),
});

const runtime = createLifecycle({ name: "shop", workers: [orders, billing, database] });
runtime.events.on("worker:transition", ({ worker, from, to }) => {
  console.log(`${worker}: ${from} -> ${to}`);
});

const { workers } = await runUntilSignal(runtime, { log: (line) => console.log(`  ${line}`) });
console.log(`  ended in the order ${workers.map(({ worker }) => worker).join(", ")}`);
