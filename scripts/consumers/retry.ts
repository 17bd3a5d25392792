import { attempts, exponential, full, type RetryPolicy, retry } from "@workerkit/retry";

const policy: RetryPolicy = attempts(5, exponential(100, 2, 10_000), full);

export async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const text: string = await retry(
    async (attempt) => (await fetch(url, { signal: attempt.signal })).text(),
    {
      policy,
      signal,
      deadlineMs: 30_000,
      onFailedAttempt: (failed) => {
        if (failed.willRetry) console.log(failed.delayMs);
        else console.log(failed.stoppedBy);
      },
    },
  );
  return text;
}

// @ts-expect-error A policy must be named.
export const unlimited = retry(async () => 1, {});
