// What a gate and a wait at it are told, and how it is checked.

import {
  type Clock,
  invalidOption,
  type OptionReaders,
  readClock,
  readDurationMs,
  readLimit,
  readOptions,
  readSignal,
  systemClock,
} from "@workerkit/contracts";

/** How a gate is made. */
export interface GateOptions {
  /** How many slots there are: a whole number of 1 or more, or `Infinity`. */
  readonly limit: number;
  /** Who may wait for a slot. Default: any number of callers, for ever. */
  readonly queue?: QueueOptions | undefined;
  /** Where the time of `timeoutMs` comes from. Default the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/** Who may wait for a slot. */
export interface QueueOptions {
  /** How many may wait at once; 0 lets nobody wait. Default `Infinity`. */
  readonly size?: number | undefined;
  /** How long each may wait, in ms; 0 lets nobody wait. Default `Infinity`. */
  readonly timeoutMs?: number | undefined;
}

/** What ends one wait for a slot. */
export interface WaitOptions {
  /** Ends the wait when it aborts. A slot that was granted before then stays granted. */
  readonly signal?: AbortSignal | undefined;
  /** How long this caller may wait, in ms; stands in place of the queue's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** The options of a gate with nothing left open. */
export interface GateSettings {
  readonly limit: number;
  readonly queue: { readonly size: number; readonly timeoutMs: number };
  readonly clock: Clock;
}

const QUEUE_DEFAULTS = { size: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY };

const GATE_READERS: OptionReaders<GateOptions> = {
  limit: readLimit,
  queue: (value, path) => readOptions(value, path, QUEUE_READERS),
  clock: readClock,
};

const QUEUE_READERS: OptionReaders<QueueOptions> = { size: readSize, timeoutMs: readDurationMs };

const WAIT_READERS: OptionReaders<WaitOptions> = { signal: readSignal, timeoutMs: readDurationMs };

/** Reads the options of a gate; throws `INVALID_OPTION`. */
export function readGateOptions(options: GateOptions): GateSettings {
  const { limit, queue = {}, clock = systemClock } = readOptions(options, "", GATE_READERS);
  const { size = QUEUE_DEFAULTS.size, timeoutMs = QUEUE_DEFAULTS.timeoutMs } = queue;
  return { limit: readLimit(limit, "limit"), queue: { size, timeoutMs }, clock };
}

/** Reads the options of one wait; throws `INVALID_OPTION`. */
export function readWaitOptions(options: WaitOptions | undefined): WaitOptions {
  return readOptions(options, "", WAIT_READERS);
}

function readSize(value: unknown, path: string): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) >= 0)) {
    return Number(value);
  }
  throw invalidOption(path, value, "a whole number of 0 or more, or Infinity");
}
