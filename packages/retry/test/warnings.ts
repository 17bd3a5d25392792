// The warnings of the process, which a test expects instead of printing.

import { afterEach, beforeEach, vi } from "vitest";

/** Collects the codes and texts of the warnings of each test. */
export function collectWarnings(): string[] {
  const warnings: string[] = [];
  beforeEach(() => {
    warnings.length = 0;
    vi.spyOn(process, "emitWarning").mockImplementation((warning, options) => {
      const { code, detail } = options as unknown as { code: string; detail: string };
      warnings.push(`${code}: ${String(warning)}\n${detail}`);
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return warnings;
}
