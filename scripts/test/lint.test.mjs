import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const biome = join(repository, "node_modules", ".bin", "biome");

/** Each planted file, and the one rule that must find it. */
const planted = {
  "Date.now": ["noRestrictedGlobals", "export const at: number = Date.now();"],
  "new Date": ["noRestrictedGlobals", "export const at: object = new Date();"],
  performance: ["noRestrictedGlobals", "export const at: number = performance.now();"],
  setTimeout: ["noRestrictedGlobals", "setTimeout(() => {}, 1);"],
  setInterval: ["noRestrictedGlobals", "setInterval(() => {}, 1);"],
  setImmediate: ["noRestrictedGlobals", "setImmediate(() => {});"],
  globalThis: ["noRestrictedGlobals", "globalThis.setTimeout(() => {}, 1);"],
  global: ["noRestrictedGlobals", "global.setTimeout(() => {}, 1);"],
  timers: [
    "noRestrictedImports",
    'import { setTimeout } from "node:timers";\nsetTimeout(() => {});',
  ],
  "timers/promises": [
    "noRestrictedImports",
    'import { setTimeout } from "node:timers/promises";\nawait setTimeout(1);',
  ],
  "dynamic timers": [
    "noRestrictedImports",
    'export const t: unknown = await import("node:timers");',
  ],
  perf_hooks: [
    "noRestrictedImports",
    'import { performance } from "node:perf_hooks";\nexport const at: number = performance.now();',
  ],
  hrtime: ["noJsRestrictedProperties", "export const at: bigint = process.hrtime.bigint();"],
  "AbortSignal.any": [
    "noJsRestrictedProperties",
    "export const one: AbortSignal = AbortSignal.any([]);",
  ],
  "AbortSignal.timeout": [
    "noJsRestrictedProperties",
    "export const one: AbortSignal = AbortSignal.timeout(1);",
  ],
  "AbortSignal taken apart": ["noJsRestrictedProperties", "export const { any } = AbortSignal;"],
  "another package's src": [
    "noRestrictedImports",
    'import { x } from "../../other/src/index.ts";\nexport const y: number = x;',
  ],
  "another package's src by name": [
    "noRestrictedImports",
    'import { x } from "@workerkit/other/src/index.ts";\nexport const y: number = x;',
  ],
  cycle: ["noImportCycles", 'import "./cycle-back.ts";\nexport const a: number = 1;'],
  any: ["noExplicitAny", "export const a: any = 1;"],
  "non-null": [
    "noNonNullAssertion",
    "export const first = (list: readonly string[]): string => list[0]!;",
  ],
  "ts-ignore": ["noTsIgnore", "// @ts-ignore\nexport const a: number = 1;"],
  "floating promise": [
    "noFloatingPromises",
    "async function work(): Promise<void> {}\nexport function go(): void {\n  work();\n}",
  ],
  "undeclared dependency": ["noUndeclaredDependencies", 'import "left-pad";'],
  console: ["noConsole", 'console.log("x");'],
};
const source = (name) => `packages/one/src/${name.toLowerCase().replace(/[^a-z]+/g, "-")}.ts`;

/** What a kind of the lifecycle may import, and what it may not. */
const ofKinds = {
  "../worker/worker.ts": undefined,
  "../worker/definition.ts": undefined,
  "@workerkit/contracts": undefined,
  "./loop.ts": undefined,
  "../worker/generation.ts": "noRestrictedImports",
  "../worker/lease.ts": "noRestrictedImports",
  "../runtime/core.ts": "noRestrictedImports",
  "../extension.ts": "noRestrictedImports",
  "../index.ts": "noRestrictedImports",
  "../../src/worker/generation.ts": "noRestrictedImports",
  "@workerkit/lifecycle": "noRestrictedImports",
  "@workerkit/lifecycle/extension": "noRestrictedImports",
  "@workerkit/retry/src/index.ts": "noRestrictedImports",
  "node:timers": "noRestrictedImports",
};
const kind = (index) => `packages/lifecycle/src/kinds/kind-${index}.ts`;

describe("biome.json", () => {
  let root;
  const found = new Map();
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "workerkit-lint-"));
    const write = (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    };
    copyFileSync(join(repository, "biome.json"), join(root, "biome.json"));
    write("package.json", "{}");
    write("packages/one/package.json", '{ "name": "one", "dependencies": {} }');
    for (const [name, [, text]] of Object.entries(planted)) write(source(name), text);
    write("packages/lifecycle/package.json", '{ "dependencies": { "@workerkit/contracts": "*" } }');
    for (const [index, name] of Object.keys(ofKinds).entries()) {
      write(kind(index), `import { x } from "${name}";\nexport const y: number = x;`);
    }
    write(source("cycle back"), 'import "./cycle.ts";\nexport const b: number = 1;');
    write(source("clean"), "queueMicrotask(() => {});");
    write("packages/contracts/package.json", "{}");
    write(
      "packages/contracts/src/clock.ts",
      "setTimeout(() => Date.now() + performance.now(), 1);",
    );
    write("packages/contracts/src/sleep.ts", "setTimeout(() => {}, 1);");
    write("packages/one/test/one.test.ts", "setTimeout(() => {}, 1);");
    const flags = ["lint", "--vcs-enabled=false", "--reporter=json", "--max-diagnostics=none"];
    const { stdout, stderr } = spawnSync(biome, flags, { cwd: root, encoding: "utf8" });
    const { diagnostics } = JSON.parse(stdout || `{"diagnostics": "${stderr}"}`);
    for (const { category, location, severity } of diagnostics) {
      if (severity !== "error") continue;
      const path = location.path.file ?? location.path;
      found.set(path, [...(found.get(path) ?? []), category.split("/").at(-1)]);
    }
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it.each(Object.keys(planted))("finds a planted %s", (name) => {
    expect(found.get(source(name))).toContain(planted[name][0]);
  });

  it.each(Object.keys(ofKinds))(
    "lets a kind import %s only if it is of the public contract",
    (name) => {
      const index = Object.keys(ofKinds).indexOf(name);
      const rules = (found.get(kind(index)) ?? []).filter((rule) => rule === "noRestrictedImports");
      expect(rules[0]).toBe(ofKinds[name]);
    },
  );

  it("finds real time everywhere in contracts but in the system clock", () => {
    expect(found.get("packages/contracts/src/sleep.ts")).toContain("noRestrictedGlobals");
    expect(found.get("packages/contracts/src/clock.ts")).toBeUndefined();
  });

  it("finds nothing in a clean file or, of these bans, in a test", () => {
    expect(found.get(source("clean"))).toBeUndefined();
    expect(found.get("packages/one/test/one.test.ts")).toBeUndefined();
  });
});
