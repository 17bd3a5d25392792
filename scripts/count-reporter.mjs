// A vitest reporter that writes how many tests passed, failed and were skipped, as JSON, to WK_COUNTS.
import { writeFileSync } from "node:fs";

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A module that cannot be loaded has errors of its own, and no tests.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "passed" || state === "failed" ? state : "skipped"] += 1;
      }
    }
    writeFileSync(process.env.WK_COUNTS, JSON.stringify(counts));
  }
}
