// Running is not ready: an index takes a while to warm up, and the runtime is ready only once it has. A worker that does not
// contribute holds nobody up.

import { createLifecycle, defineWorker, loop } from "@workerkit/lifecycle";

const index = defineWorker({
  name: "index",
  worker: loop({
    autoReady: false, // it says so itself
    async run({ sleep, setReady, draining }) {
      for (const part of ["titles", "bodies", "links"]) {
        await sleep(20);
        console.log(`index: ${part} loaded`);
      }
      setReady(true);
      while (!draining.aborted) await sleep(1_000);
    },
  }),
});

const recommendations = defineWorker({
  name: "recommendations",
  contributesToReadiness: false,
  worker: {
    start: ({ setReady }) => setReady(false), // its model is still in training
    stop: () => {},
  },
});

const runtime = createLifecycle({ name: "search", workers: [index, recommendations] });
runtime.events.on("runtime:readiness", ({ ready }) => console.log(`event: ready is ${ready}`));

await runtime.startAll();
show();

await runtime.whenReady(); // what a readiness probe answers by
show();

await runtime.shutdown();
show();

function show() {
  const { state, ready, notReadyBecause } = runtime.status();
  const why = notReadyBecause.map(({ worker }) => worker).join(", ");
  console.log(`runtime ${state}, ${ready ? "ready" : "not ready"}${why && ` because of ${why}`}`);
  for (const worker of runtime.workers()) {
    console.log(`  ${worker.localName} ${worker.state}, ${worker.ready ? "ready" : "not ready"}`);
  }
}
