// What the service is told from outside: its arguments and its environment.

import { opendirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOf } from "./patience.ts";

export const USAGE = "Usage: npm start [-- --once]";

export interface Config {
  readonly docsDir: string;
  readonly rescanMs: number;
}

/** Whether to end after one tour; undefined if the arguments make no sense. */
export function readArguments(args: readonly string[]): { readonly once: boolean } | undefined {
  return args.every((arg) => arg === "--once") ? { once: args.length > 0 } : undefined;
}

/** Reads the environment. Throws an Error whose message names the variable and what it should be. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return { docsDir: readDocsDir(env.DOCS_DIR), rescanMs: readRescanMs(env.RESCAN_MS) };
}

/** This repository: its own Markdown, and the READMEs of what it has installed. */
const DEFAULT_DOCS_DIR = fileURLToPath(new URL("../../..", import.meta.url));
const DEFAULT_RESCAN_MS = 5_000;

function readDocsDir(given: string | undefined): string {
  const folder = resolve(given || DEFAULT_DOCS_DIR);
  try {
    opendirSync(folder).closeSync();
  } catch (error) {
    throw new Error(
      `DOCS_DIR must be a folder that can be read, got "${given}" (${codeOf(error)})`,
    );
  }
  return folder;
}

function readRescanMs(given: string | undefined): number {
  const rescanMs = Number(given || DEFAULT_RESCAN_MS);
  if (Number.isInteger(rescanMs) && rescanMs >= 10) return rescanMs;
  throw new Error(`RESCAN_MS must be a whole number of milliseconds, 10 or more, got "${given}"`);
}
