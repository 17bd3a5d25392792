// Those who take part: workers, drawn or given, with a watch on every call of a hook, and what their policies allow.

import { invalidOption, readRecord } from "@workerkit/contracts";
import {
  defineWorker,
  type HookCall,
  POLICY_DEFAULTS,
  RESTART_DEFAULTS,
  type ResolvedPolicy,
  type Worker,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerOptions,
} from "@workerkit/lifecycle";
import { actor, type Scene } from "./actor.ts";
import type { WorkerPlan } from "./plan.ts";
import { BACKOFFS, PANIC_CHECKS, RETRIES, type RetryPlan, WHENS } from "./policies.ts";

/** One call of a hook. */
export interface HookRecord {
  readonly member: Member;
  readonly hook: "start" | "drain" | "stop";
  readonly ctx: WorkerContext<unknown>;
  readonly generation: number;
  readonly beganMs: number;
  settled: { readonly failed: boolean; readonly error: unknown; readonly atMs: number } | undefined;
  abandoned: boolean;
}

/** One who takes part. */
export interface Member {
  readonly name: string;
  readonly definition: WorkerDefinition;
  readonly policy: ResolvedPolicy;
  /** Names of what it depends on. */
  readonly dependsOn: readonly string[];
  /** What its start retry must come to; undefined for a policy that only its owner knows. */
  readonly retry: RetryPlan | undefined;
  /** The contexts of its lives, the latest last. */
  readonly lives: WorkerContext<unknown>[];
}

/** Who hears of hooks. */
export interface Watch {
  /** A hook is being called; what is returned hears of its end. */
  called(
    member: Member,
    hook: HookRecord["hook"],
    ctx: WorkerContext<unknown>,
  ): (failed: boolean, error: unknown) => void;
}

/** The workers of a plan. */
export function drawnCast(plans: readonly WorkerPlan[], scene: Scene, watch: Watch): Member[] {
  const cast: Member[] = [];
  plans.forEach((plan, place) => {
    const name = LETTERS[place] ?? `w${place}`;
    const before = cast.slice();
    const wanted = plan.dependsOn
      .map(({ worker, restart }) => ({ on: before[worker % before.length], restart }))
      .filter(({ on }, at, all) => on && all.findIndex((other) => other.on === on) === at);
    const dependsOn = wanted.map(({ on, restart }) => ({
      worker: on?.name ?? "",
      onRestart: restart ? ("restart" as const) : ("keep" as const),
    }));
    const { startRetry, restart, isPanic, ...limits } = plan.policy;
    const retry = RETRIES[startRetry % RETRIES.length];
    const options = {
      ...limits,
      isPanic: PANIC_CHECKS[isPanic % PANIC_CHECKS.length],
      startRetry: retry?.policy,
      restart: restart && {
        backoff: BACKOFFS[restart.backoff % BACKOFFS.length]?.backoff ?? { delayMs: () => 0 },
        when: WHENS[restart.when % WHENS.length]?.when,
        maxRestarts: restart.maxRestarts,
        withinMs: restart.withinMs,
      },
    };
    cast.push(
      join(
        { name, dependsOn, worker: actor(plan, scene), ...options },
        { retry, watch, context: same },
      ),
    );
  });
  return cast;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Workers that somebody else has defined: watched, and known to each other as their originals. */
export function givenCast(definitions: readonly WorkerDefinition[], watch: Watch): Member[] {
  const stands = new Map<unknown, WorkerDefinition>();
  const context = (ctx: WorkerContext<unknown>) => {
    const use = <S>(worker: WorkerDefinition<S>): S =>
      ctx.use((stands.get(worker) ?? worker) as WorkerDefinition<S>);
    return Object.create(ctx, { use: { value: use } }) as WorkerContext<unknown>;
  };
  return definitions.map((definition, place) => {
    const options = optionsOf(definition, `workers[${place}]`);
    const dependsOn = options.dependsOn?.map((dependency) => {
      const full = typeof dependency === "object" && "worker" in dependency;
      const { worker, ...rest } = full ? dependency : { worker: dependency };
      return { worker: typeof worker === "string" ? worker : worker.name, ...rest };
    });
    const member = join({ ...options, dependsOn }, { retry: undefined, watch, context });
    stands.set(definition, member.definition);
    return member;
  });
}

const same = (ctx: WorkerContext<unknown>) => ctx;

/** What `defineWorker` was given; it travels with the definition, so that two copies of the package agree. */
function optionsOf(definition: WorkerDefinition, path: string): WorkerOptions<unknown> {
  const brand = (definition as Partial<WorkerDefinition> | undefined)?.["~worker"];
  const options = (brand as { readonly options?: unknown } | undefined)?.options;
  if (options === undefined) throw invalidOption(path, definition, "a worker made by defineWorker");
  return readRecord(options, path) as unknown as WorkerOptions<unknown>;
}

interface Joining {
  readonly retry: RetryPlan | undefined;
  readonly watch: Watch;
  readonly context: (ctx: WorkerContext<unknown>) => WorkerContext<unknown>;
}

function join(options: WorkerOptions<unknown>, { retry, watch, context }: Joining): Member {
  const contexts = new WeakMap<object, WorkerContext<unknown>>();
  const contextOf = (ctx: WorkerContext<unknown>) => {
    const known = contexts.get(ctx) ?? context(ctx);
    contexts.set(ctx, known);
    return known;
  };
  const { worker } = options;
  const lives: WorkerContext<unknown>[] = [];
  const watched =
    (hook: HookRecord["hook"], call: (ctx: WorkerContext<never>, call: HookCall) => unknown) =>
    (ctx: WorkerContext<unknown>, hookCall: HookCall): Promise<unknown> => {
      if (hook === "start") lives.push(ctx);
      const ended = watch.called(member, hook, ctx);
      const failed = (error: unknown) => {
        ended(true, error);
        throw error;
      };
      try {
        return Promise.resolve(
          call.call(worker, contextOf(ctx) as WorkerContext<never>, hookCall),
        ).then((value) => {
          ended(false, undefined);
          return value;
        }, failed);
      } catch (error) {
        return failed(error);
      }
    };
  const spied: Worker<unknown> = {
    kind: worker.kind,
    start: watched("start", worker.start),
    ...(worker.drain && { drain: watched("drain", worker.drain) }),
    stop: watched("stop", worker.stop),
  };
  const member: Member = {
    name: options.name,
    definition: defineWorker({ ...options, worker: spied }),
    policy: policyOf(options),
    dependsOn: (options.dependsOn ?? []).map((dependency) => {
      if (typeof dependency === "string") return dependency;
      const named = "worker" in dependency ? dependency.worker : dependency;
      return typeof named === "string" ? named : named.name;
    }),
    ...{ retry, lives },
  };
  return member;
}

function policyOf(options: WorkerOptions<unknown>): ResolvedPolicy {
  const own: Partial<Record<string, unknown>> = {};
  for (const key of Object.keys(POLICY_DEFAULTS)) {
    const value = options[key as keyof typeof options];
    if (value !== undefined) own[key] = value;
  }
  const restart = options.restart && { ...RESTART_DEFAULTS, ...defined(options.restart) };
  return { ...POLICY_DEFAULTS, ...own, restart } as ResolvedPolicy;
}

function defined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
