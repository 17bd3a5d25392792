import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Tests read the sources; with WK_DIST=1 they read what `npm run build` made.
const sourceCondition = process.env.WK_DIST ? [] : ["@workerkit/source"];

const folders = [
  ...readdirSync("packages").map((name) => `packages/${name}`),
  ...readdirSync("apps").map((name) => `apps/${name}`),
  "bench",
  "scripts",
].filter((folder) => existsSync(folder));

const projects = folders.map((root) => ({
  extends: true as const,
  test: {
    name: root.split("/").at(-1) ?? root,
    root,
    include: ["**/*.test.{ts,mjs}"],
    exclude: ["**/node_modules/**", "dist/**"],
  },
}));

export default defineConfig({
  ssr: {
    resolve: { conditions: [...sourceCondition, "module", "node", "development|production"] },
  },
  test: {
    projects: [
      ...projects,
      {
        // Every *.test-d.ts of the repository in one run of the type checker.
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["{packages,apps}/*/test/**/*.test-d.ts"],
            tsconfig: "./tsconfig.json",
          },
        },
      },
    ],
    // No test waits for long, but a busy machine makes property tests take many times what they need.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // .ci/run adds up the counts that this reporter writes.
    reporters: process.env.WK_COUNTS ? ["default", "./scripts/count-reporter.mjs"] : ["default"],
    coverage: { provider: "v8", include: ["packages/*/src/**/*.ts"] },
  },
});
