// The plainest code and the plainest policy: what plans are made like as far as that goes, and reports leave unsaid.

import type { Fate, PolicyPlan } from "./plan.ts";

export const PLAIN_FATE: Fate = {
  afterMs: 0,
  fails: false,
  sync: false,
  thrown: 0,
  onAbort: "obey",
  lateMs: 0,
  inside: "nothing",
  atAbort: "nothing",
};

export const PLAIN_POLICY: PolicyPlan = {
  startTimeoutMs: 100,
  stopTimeoutMs: 100,
  drainTimeoutMs: 200,
  graceMs: 50,
  readyOnStart: true,
  acceptingWorkOnStart: true,
  contributesToReadiness: true,
  failurePolicy: "isolate",
  startRetry: 0,
  isPanic: 0,
  restart: undefined,
};
