// Measures contenders side by side in one process: many short rounds, each contender once a round, so that whatever
// slows the machine down slows all of them. A ratio compares two contenders within one round, never across rounds.
import { collect } from "./garbage.ts";
import { quartiles, type Spread } from "./statistics.ts";

/** Something to measure. */
export interface Contender {
  readonly name: string;
  /** How many operations one call of a step does; times are given per operation. */
  readonly operations: number;
  /** What is measured: one call of each, in this order. The same step of different contenders is compared. */
  readonly steps: Readonly<Record<string, () => unknown>>;
  /** Called before the steps of each call, unmeasured. */
  readonly prepare?: () => unknown;
  /** Called after the steps of each call, unmeasured. */
  readonly tidy?: () => unknown;
}

export interface MeasureOptions {
  /** How many rounds count. Default 40. */
  readonly rounds?: number | undefined;
  /** How long one contender's sample lasts at least, in ms: short calls are repeated until it does. Default 10. */
  readonly sampleMs?: number | undefined;
  /** How long all contenders together run before the first round, in ms. Default 2 000. */
  readonly warmUpMs?: number | undefined;
}

/** What one contender took for one operation of one step. */
export interface Figures {
  readonly cpuNs: number;
  readonly wallNs: number;
}

/** What a sample of one step took, in ns of CPU and wall time per operation. */
type Sample = { cpuNs: number; wallNs: number };

/** Measures contenders against each other; the first is the baseline of the table. */
export async function measure(
  contenders: readonly Contender[],
  { rounds = 40, sampleMs = 10, warmUpMs = 2_000 }: MeasureOptions = {},
): Promise<Measurement> {
  const calls = await warmUp(contenders, sampleMs, warmUpMs);
  const measurement = new Measurement(contenders);
  for (let round = 0; round < rounds; round++) {
    collect("major");
    for (let place = 0; place < contenders.length; place++) {
      // Each contender comes after each other one in turn, and so pays for what that one left behind.
      const contender = contenders[(round + place) % contenders.length];
      if (contender === undefined) continue;
      measurement.add(contender, await sample(contender, calls.get(contender) ?? 1));
    }
  }
  return measurement;
}

/** All samples of all contenders, round by round. */
export class Measurement {
  readonly contenders: readonly Contender[];
  readonly #samples = new Map<string, Sample[]>();

  constructor(contenders: readonly Contender[]) {
    this.contenders = contenders;
  }

  get steps(): readonly string[] {
    return [...new Set(this.contenders.flatMap(({ steps }) => Object.keys(steps)))];
  }

  add({ name, steps }: Contender, samples: readonly Sample[]): void {
    for (const [place, step] of Object.keys(steps).entries()) {
      const sample = samples[place];
      if (sample !== undefined) this.#of(name, step).push(sample);
    }
  }

  /** The medians of a contender's step. */
  figures(name: string, step: string): Figures | undefined {
    const samples = this.#of(name, step);
    if (samples.length === 0) return undefined;
    return {
      cpuNs: quartiles(samples.map(({ cpuNs }) => cpuNs)).median,
      wallNs: quartiles(samples.map(({ wallNs }) => wallNs)).median,
    };
  }

  /** How many times the CPU time of `base` a contender takes, round by round. */
  ratio(name: string, base: string, step: string, baseStep: string = step): Spread {
    const bases = this.#of(base, baseStep);
    return quartiles(this.#of(name, step).map(({ cpuNs }, round) => cpuNs / cpuOf(bases[round])));
  }

  #of(name: string, step: string): Sample[] {
    const key = JSON.stringify([name, step]);
    const known = this.#samples.get(key);
    if (known !== undefined) return known;
    const samples: Sample[] = [];
    this.#samples.set(key, samples);
    return samples;
  }
}

/** Runs everything until it is compiled, and finds how often each contender is called in a sample. */
async function warmUp(
  contenders: readonly Contender[],
  sampleMs: number,
  warmUpMs: number,
): Promise<Map<Contender, number>> {
  const calls = new Map<Contender, number>();
  const endsAt = performance.now() + warmUpMs;
  do {
    for (const contender of contenders) {
      const repeated = calls.get(contender) ?? 1;
      const samples = await sample(contender, repeated);
      const tookMs =
        samples.reduce((sum, { cpuNs }) => sum + cpuNs * contender.operations, 0) / 1e6;
      calls.set(contender, Math.max(1, Math.min(repeated * 10, Math.ceil(sampleMs / tookMs))));
    }
  } while (performance.now() < endsAt);
  return calls;
}

/** Calls a contender so many times in a row, and returns what each of its steps took in all of them. */
async function sample(contender: Contender, calls: number): Promise<Sample[]> {
  const steps = Object.values(contender.steps);
  const took = steps.map(() => ({ cpuNs: 0, wallNs: 0 }));
  collect("minor");
  for (let call = 0; call < calls; call++) {
    if (contender.prepare !== undefined) {
      await contender.prepare();
      // What was made before is old by the time that it is used: what survives twice is moved to where the old things are.
      collect("minor");
      collect("minor");
    }
    for (const [place, step] of steps.entries()) {
      const total = took[place];
      const cpu = process.cpuUsage();
      const wall = process.hrtime.bigint();
      await step();
      const { user, system } = process.cpuUsage(cpu);
      const wallNs = Number(process.hrtime.bigint() - wall);
      if (total === undefined) continue;
      total.cpuNs += (user + system) * 1_000;
      total.wallNs += wallNs;
    }
    await contender.tidy?.();
  }
  const operations = calls * contender.operations;
  return took.map(({ cpuNs, wallNs }) => ({
    cpuNs: cpuNs / operations,
    wallNs: wallNs / operations,
  }));
}

function cpuOf(sample: Sample | undefined): number {
  return sample?.cpuNs ?? Number.NaN;
}
