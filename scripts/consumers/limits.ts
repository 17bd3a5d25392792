import { createGate, type Gate, mapConcurrent } from "@workerkit/limits";

const gate: Gate = createGate({ limit: 2 });

export async function lengths(urls: readonly string[]): Promise<number[]> {
  return mapConcurrent(urls, (url, { index }) => url.length + index, { concurrency: 4 });
}

export async function guarded(): Promise<string> {
  const release = gate.tryAcquire();
  release?.();
  return gate.run(async () => "done");
}

// @ts-expect-error A limit must be named.
createGate({});
