import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { graphProblems } from "../graph.mjs";

describe("graphProblems", () => {
  let root;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "workerkit-graph-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const problemsOf = (name, text, manifest = {}) => {
    write(`packages/${name}/package.json`, JSON.stringify(manifest));
    write(`packages/${name}/src/index.ts`, text);
    return graphProblems(root);
  };

  it("accepts arrows that go up", () => {
    const text = `import { x } from "@workerkit/contracts";
import { y } from "./here.ts";
import fs from "node:fs";
/** \`\`\`
 * import { createLifecycle } from "@workerkit/lifecycle";
 */
export { z } from "@workerkit/retry";`;
    const manifest = { dependencies: { "@workerkit/contracts": "workspace:^", "p-limit": "1" } };
    expect(problemsOf("lifecycle", text, manifest)).toEqual([]);
  });

  it.each([
    `import { x } from "@workerkit/lifecycle";`,
    `import type { X } from "@workerkit/lifecycle";`,
    `import "@workerkit/lifecycle";`,
    `export * from "@workerkit/lifecycle";`,
    `export {\n  a,\n  b,\n} from "@workerkit/lifecycle";`,
    `const x = await import("@workerkit/lifecycle/extension");`,
  ])("refuses an arrow that goes down: %s", (text) => {
    expect(problemsOf("retry", text)).toEqual([
      "packages/retry/src/index.ts: retry may not import lifecycle",
    ]);
  });

  it("refuses an import inside another package", () => {
    expect(problemsOf("retry", `import { x } from "../../contracts/src/clock.ts";`)).toEqual([
      `packages/retry/src/index.ts: "../../contracts/src/clock.ts" reaches outside of retry`,
    ]);
    expect(problemsOf("retry", `import { x } from "@workerkit/contracts/src/clock.ts";`)).toEqual([
      `packages/retry/src/index.ts: "@workerkit/contracts/src/clock.ts" reaches inside of contracts`,
    ]);
  });

  it.each(["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"])(
    "refuses a downward arrow in %s",
    (list) => {
      expect(problemsOf("limits", "", { [list]: { "@workerkit/all": "workspace:^" } })).toEqual([
        "packages/limits/package.json: limits may not depend on all",
      ]);
    },
  );

  it("lets an observer import types only", () => {
    expect(problemsOf("observe-pino", `import type { A } from "@workerkit/lifecycle";`)).toEqual(
      [],
    );
    expect(problemsOf("observe-pino", `import { type A } from "@workerkit/lifecycle";`)).toEqual(
      [],
    );
    expect(problemsOf("observe-pino", `import { type A, b } from "@workerkit/lifecycle";`)).toEqual(
      ["packages/observe-pino/src/index.ts: observe-pino may import only types from lifecycle"],
    );
  });

  it("lets commands import values of the extension seam only", () => {
    expect(problemsOf("commands", `import { a } from "@workerkit/lifecycle/extension";`)).toEqual(
      [],
    );
    expect(problemsOf("commands", `import { a } from "@workerkit/lifecycle";`)).toEqual([
      "packages/commands/src/index.ts: commands may import only values of lifecycle/extension from lifecycle",
    ]);
  });

  it("asks for every package to stand in the table", () => {
    expect(problemsOf("stray", "")).toEqual(["stray: add it to the table in scripts/graph.mjs"]);
  });
});
