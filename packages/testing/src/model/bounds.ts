// How long an operation may take at most, from the limits of those it concerns.

import type { Member } from "./cast.ts";

/** What timers of 0 ms, which wait 1, may add up to. */
const SLACK_MS = 20;

/** A start that begins at once: the cleanup of an earlier failure, then attempt after attempt. */
export function startBoundMs({ policy, retry }: Member): number {
  if (retry === undefined) return Number.POSITIVE_INFINITY;
  const { startTimeoutMs, stopTimeoutMs, graceMs } = policy;
  const attemptMs = startTimeoutMs + graceMs;
  return (
    graceMs +
    stopTimeoutMs +
    graceMs +
    retry.attempts * attemptMs +
    (retry.attempts - 1) * retry.delayMs +
    SLACK_MS
  );
}

/** A drain that begins at once. */
export function drainBoundMs({ policy }: Member): number {
  return policy.stopTimeoutMs + policy.graceMs + SLACK_MS;
}

/**
 * A stop, whatever the worker is doing; in a bulk stop it waits until its peers are idle or cut. The stop hook counts twice: an
 * earlier one that was abandoned is waited for, and if that fails the hook runs again.
 */
export function stopBoundMs(member: Member, peers: readonly Member[]): number {
  const drains = [member, ...peers].map(({ policy }) => policy.drainTimeoutMs + policy.graceMs);
  const { stopTimeoutMs, graceMs } = member.policy;
  return Math.max(...drains) + 2 * (graceMs + stopTimeoutMs) + 2 * graceMs + SLACK_MS;
}

/** The end of many workers: at the worst one level after the other. */
export function endBoundMs(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + stopBoundMs(member, members), 0);
}
