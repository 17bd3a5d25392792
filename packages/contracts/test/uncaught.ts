// What reaches the process as an uncaught exception while a test looks on, in place of failing the run.

/** Runs `work`, lets the event loop turn once, and returns the uncaught exceptions of that time. */
export async function uncaughtDuring(work: () => void): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const others = process.listeners("uncaughtException");
  const listener = (error: unknown) => uncaught.push(error);
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", listener);
  try {
    work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("uncaughtException", listener);
    for (const other of others) process.on("uncaughtException", other);
  }
  return uncaught;
}
