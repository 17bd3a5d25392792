// One worker fails, under each policy: what that means for the runtime, and that its neighbour works on in any case.

import { EventEmitter } from "node:events";
import { createLifecycle, defineWorker, type WorkerPolicy } from "@workerkit/lifecycle";

printRow("failurePolicy", "contributes", "runtime", "neighbour");
await fail({ failurePolicy: "isolate", contributesToReadiness: true });
await fail({ failurePolicy: "isolate", contributesToReadiness: false });
await fail({ failurePolicy: "mark-runtime-unready", contributesToReadiness: false });
await fail({ failurePolicy: "fail-runtime", contributesToReadiness: false });

async function fail(policy: WorkerPolicy) {
  const connection = new EventEmitter();
  const feed = defineWorker({
    ...policy,
    name: "feed",
    worker: {
      start: ({ reportFailure }) => {
        connection.once("error", reportFailure); // methods of the context are bound
      },
      stop: () => {},
    },
  });
  const api = defineWorker({ name: "api", worker: { start: () => {}, stop: () => {} } });
  const runtime = createLifecycle({ name: "shop", workers: [feed, api] });
  await runtime.startAll();

  const heard = runtime.events.once("worker:failure");
  connection.emit("error", new Error("connection lost"));
  await heard;

  const { state, ready } = runtime.status();
  printRow(
    String(policy.failurePolicy),
    policy.contributesToReadiness ? "yes" : "no",
    `${state}, ${ready ? "ready" : "not ready"}`,
    String(runtime.worker(api)?.state),
  );
  await runtime.shutdown();
}

function printRow(...cells: string[]) {
  console.log(
    cells
      .map((cell) => cell.padEnd(22))
      .join("")
      .trimEnd(),
  );
}
