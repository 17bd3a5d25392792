import { createLifecycle, defineWorker, loop, runUntilSignal } from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";
import { exponential } from "@workerkit/retry";

class Pool {
  async query(text: string): Promise<number> {
    return text.length;
  }
  async end(): Promise<void> {}
}

const db = defineWorker({
  name: "db",
  worker: { start: async () => ({ pool: new Pool() }), stop: ({ state }) => state?.pool.end() },
});

const feed = defineWorker({
  name: "feed",
  dependsOn: [db],
  restart: { backoff: exponential(200, 2, 30_000) },
  worker: loop(async (context) => {
    while (!context.signal.aborted) {
      const rows: number = await context.use(db).pool.query("select 1");
      // @ts-expect-error The state of db holds no such thing.
      context.use(db).nothing;
      context.setReady(rows > 0);
      await context.sleep(1000);
    }
  }),
});

const runtime = createLifecycle({ name: "shop", workers: [db, feed] });
runtime.events.on("worker:failure", ({ worker, message }) => console.log(worker, message));

export async function main(): Promise<void> {
  await runUntilSignal(runtime);
}

export const counter: { count: number } = extend(runtime, {
  name: "counter",
  workerOptions: {},
  runtimeOptions: {},
  attach: () => ({ count: 0 }),
  onRegister: () => {},
});

// @ts-expect-error A worker must be named.
defineWorker({ worker: { start: () => {}, stop: () => {} } });
