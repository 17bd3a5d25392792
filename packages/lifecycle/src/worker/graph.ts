// Who depends on whom: found and checked when a worker first starts, so that workers can be registered in any order.

import { invalidOption } from "@workerkit/contracts";
import type { RegisteredWorker } from "./registered-worker.ts";

/**
 * Finds the dependencies of a worker and of all below it, and how deep they go.
 * Throws `INVALID_OPTION` for an unknown name, another definition of the same name, and a cycle, which it spells out.
 */
export function checkGraph(worker: RegisteredWorker): void {
  // Found once is found for good: no worker leaves the registry while another depends on it.
  if (worker.dependencies !== undefined) return;
  visit(worker);
}

/** Workers by depth, those that depend on nothing first; within a level by registration. */
export function levelsOf(workers: Iterable<RegisteredWorker>): RegisteredWorker[][] {
  const levels: RegisteredWorker[][] = [];
  for (const worker of workers) {
    let level = levels[worker.depth];
    if (level === undefined) {
      level = [];
      levels[worker.depth] = level;
    }
    level.push(worker);
  }
  // `filter` skips the holes of depths at which there is none.
  return levels.filter(() => true).map((level) => level.sort((a, b) => a.index - b.index));
}

/** Workers in the order of registration, except that what one depends on comes before it. */
export function startOrder(workers: readonly RegisteredWorker[]): RegisteredWorker[] {
  if (workers.every(({ dependsOn }) => dependsOn.length === 0)) return [...workers];
  const order: RegisteredWorker[] = [];
  const wanted = new Set(workers);
  const placed = new Set<RegisteredWorker>();
  const isFree = (worker: RegisteredWorker) =>
    worker.dependencies?.every((dependency) => placed.has(dependency)) === true;
  for (const worker of workers) {
    if (!isFree(worker)) continue;
    // What was passed over before, and waited for this one alone, follows at once, the first registered first.
    const open = [worker];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      placed.add(next);
      order.push(next);
      for (const dependant of next.core.dependants.get(next.name) ?? []) {
        const passed = wanted.has(dependant) && dependant.index < worker.index;
        if (passed && isFree(dependant)) open.push(dependant);
      }
      if (open.length > 1) open.sort((a, b) => a.index - b.index);
    }
  }
  return order;
}

/** All that a worker depends on, however far below. */
export function dependenciesOf(worker: RegisteredWorker): Set<RegisteredWorker> {
  return reach(worker, ({ dependencies }) => dependencies ?? []);
}

/** All that depends on a worker, however far above, and is at work or about to be. */
export function activeDependants(worker: RegisteredWorker): RegisteredWorker[] {
  const dependants = reach(worker, ({ core, name }) => core.dependants.get(name) ?? []);
  return [...dependants].filter(({ state }) => ACTIVE.has(state));
}

const ACTIVE: ReadonlySet<string> = new Set(["starting", "running", "restarting", "draining"]);

function reach(
  from: RegisteredWorker,
  next: (worker: RegisteredWorker) => Iterable<RegisteredWorker>,
): Set<RegisteredWorker> {
  const reached = new Set<RegisteredWorker>();
  const open = [from];
  for (let worker = open.pop(); worker !== undefined; worker = open.pop()) {
    for (const other of next(worker)) {
      if (other === from || reached.has(other)) continue;
      reached.add(other);
      open.push(other);
    }
  }
  return reached;
}

/** Depth first without recursion, for a chain may be as long as the registry. */
function visit(root: RegisteredWorker): void {
  const path: RegisteredWorker[] = [root];
  // What was found but has no dependencies written yet is on the path.
  const found = new Map<RegisteredWorker, readonly RegisteredWorker[]>();
  for (let worker = path.at(-1); worker !== undefined; worker = path.at(-1)) {
    const dependencies = found.get(worker) ?? lookUp(worker);
    found.set(worker, dependencies);
    const next = dependencies.find((dependency) => dependency.dependencies === undefined);
    if (next === undefined) {
      worker.dependencies = dependencies;
      worker.depth = dependencies.reduce(
        (depth, { depth: below }) => Math.max(depth, below + 1),
        0,
      );
      path.pop();
    } else if (found.has(next)) {
      const cycle = [...path.slice(path.indexOf(next)), next].map(({ name }) => name);
      throw invalidOption(
        `workers.${next.name}.dependsOn`,
        cycle.join(" -> "),
        "no cycle: a worker cannot wait for itself",
      );
    } else {
      path.push(next);
    }
  }
}

function lookUp(worker: RegisteredWorker): readonly RegisteredWorker[] {
  return worker.dependsOn.map(({ name, definition }, index) => {
    const dependency = worker.core.workers.get(name);
    const path = `workers.${worker.name}.dependsOn[${index}]`;
    if (dependency === undefined) {
      throw invalidOption(path, name, "the name of a registered worker");
    }
    if (definition !== undefined && dependency.definition !== definition) {
      throw invalidOption(path, name, "the very definition that is registered under this name");
    }
    return dependency;
  });
}
