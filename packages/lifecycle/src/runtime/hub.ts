// The event hub: emittery carries the events to listeners that can hold up or harm nobody.

import {
  type AnyEvent,
  type Clock,
  type EventName,
  type EventSink,
  type EventSource,
  invalidOption,
  type ListenOptions,
  type OptionReaders,
  onAbort,
  readFunction,
  readOptions,
  readSignal,
  type Unsubscribe,
  type WorkerkitEvents,
} from "@workerkit/contracts";
import Emittery from "emittery";
import { answers } from "../worker/answers.ts";
import { textOf } from "../worker/failure.ts";

/** Hears of a listener that threw, rejected, or returned nonsense. */
export type ListenerErrorHandler = (error: unknown, eventName: string) => void;

const EVENT_NAMES: readonly EventName[] = [
  "worker:registered",
  "worker:unregistered",
  "worker:transition",
  "worker:readiness",
  "worker:admission",
  "worker:failure",
  "worker:restart",
  "worker:stall",
  "worker:abandoned",
  "runtime:transition",
  "runtime:readiness",
  "runtime:waiting",
  "command:start",
  "command:attempt-failed",
  "command:end",
  "command:rejected",
  "check:end",
];

type When = (() => boolean) | undefined;

export class EventHub implements EventSource<WorkerkitEvents>, EventSink<WorkerkitEvents> {
  readonly #clock: Clock;
  readonly #onListenerError: ListenerErrorHandler;
  // emittery prints every payload when DEBUG is set; ours may hold secrets.
  readonly #emittery = new Emittery<WorkerkitEvents>({
    debug: { name: "workerkit", enabled: false, logger: () => {} },
  });
  /** Who listens to what: emittery's emit costs 1.3 us although nobody does, so it is asked for nothing then. */
  readonly #listening = new Map<EventName, Set<{ readonly when: When }>>();
  readonly #listeningToAny = new Set<{ readonly when: When }>();
  /** Whether nobody listens to anything. */
  silent = true;
  #unfinished = 0;
  readonly #whenFinished = new Set<() => void>();

  constructor(clock: Clock, onListenerError: ListenerErrorHandler = warn) {
    this.#clock = clock;
    this.#onListenerError = onListenerError;
  }

  on<Name extends EventName>(
    name: Name,
    listener: (event: WorkerkitEvents[Name]) => unknown,
    options?: ListenOptions,
  ): Unsubscribe {
    assertEventName(name);
    readFunction(listener, "listener");
    const { when } = readOptions(options, "options", LISTEN_READERS);
    // A fresh function for each subscription: emittery knows listeners by identity.
    const off = this.#emittery.on(name, (event) => this.#tell(name, () => listener(event)));
    let listening = this.#listening.get(name);
    if (listening === undefined) {
      listening = new Set();
      this.#listening.set(name, listening);
    }
    return this.#count(listening, when, off);
  }

  onAny(
    listener: (...event: AnyEvent<WorkerkitEvents>) => unknown,
    options?: ListenOptions,
  ): Unsubscribe {
    readFunction(listener, "listener");
    const { when } = readOptions(options, "options", LISTEN_READERS);
    const off = this.#emittery.onAny((name, event) => {
      if (typeof name !== "string") return;
      this.#tell(name, () => listener(...([name, event] as AnyEvent<WorkerkitEvents>)));
    });
    return this.#count(this.#listeningToAny, when, off);
  }

  once<Name extends EventName>(
    name: Name,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<WorkerkitEvents[Name]> {
    return new Promise((resolve, reject) => {
      assertEventName(name);
      const { signal } = readOptions(options, "options", ONCE_READERS);
      if (signal?.aborted) return reject(signal.reason);
      const ignore =
        signal &&
        onAbort(signal, () => {
          off();
          reject(signal.reason);
        });
      const off = this.on(name, (event) => {
        off();
        ignore?.();
        resolve(event);
      });
    });
  }

  wants(name: EventName): boolean {
    if (this.silent) return false;
    return hears(this.#listening.get(name)) || hears(this.#listeningToAny);
  }

  emit<Name extends EventName>(name: Name, event: WorkerkitEvents[Name]): void {
    if (!this.wants(name)) return;
    this.#unfinished += 1;
    // Our listeners never throw, so neither does this; it settles when all of them were called.
    this.#emittery.emit(name, event).then(this.#finished, this.#finished);
  }

  /** Waits until the listeners of all events so far were called and what they returned has settled, at most `timeoutMs`. */
  flush(timeoutMs: number): Promise<void> {
    if (this.#unfinished === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.#clock.clearTimeout(timer);
        this.#whenFinished.delete(end);
        resolve();
      };
      const timer = this.#clock.setTimeout(end, timeoutMs, { label: "events are flushed" });
      this.#whenFinished.add(end);
    });
  }

  /** Reports something that nobody is there to catch. */
  report(error: unknown, eventName: string): void {
    void observe(
      () => this.#onListenerError(error, eventName),
      (worse) => warn(worse, eventName),
    );
  }

  #tell(name: EventName, call: () => unknown): void {
    const settled = observe(call, (error) => this.report(error, name));
    if (settled === undefined) return;
    this.#unfinished += 1;
    void settled.then(this.#finished);
  }

  readonly #finished = (): void => {
    this.#unfinished -= 1;
    if (this.#unfinished === 0) for (const end of this.#whenFinished) end();
  };

  #count(listening: Set<{ readonly when: When }>, when: When, off: () => void): Unsubscribe {
    const listener = { when };
    listening.add(listener);
    this.silent = false;
    return () => {
      off();
      if (!listening.delete(listener)) return;
      this.silent =
        this.#listeningToAny.size === 0 &&
        [...this.#listening.values()].every((others) => others.size === 0);
    };
  }
}

function hears(listening: ReadonlySet<{ readonly when: When }> | undefined): boolean {
  if (listening === undefined) return false;
  for (const { when } of listening) {
    // Better one event too many than a lost one: only a plain no counts.
    if (when === undefined || !answers(when, false)) return true;
  }
  return false;
}

/** Calls what others wrote, sync or async; `failed` hears of what it throws. A promise says when it has settled, if it returned one. */
export function observe(
  call: () => unknown,
  failed: (error: unknown) => void,
): Promise<unknown> | undefined {
  try {
    const result = call();
    if (typeof result !== "object" || result === null || !("then" in result)) return undefined;
    return Promise.resolve(result).catch(failed);
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function assertEventName(name: EventName): void {
  if (EVENT_NAMES.includes(name)) return;
  throw invalidOption("name", name, `the name of an event: ${EVENT_NAMES.join(", ")}`);
}

const LISTEN_READERS: OptionReaders<{ when: () => boolean }> = { when: readFunction };
const ONCE_READERS: OptionReaders<{ signal: AbortSignal }> = { signal: readSignal };

function warn(thrown: unknown, eventName: string): void {
  process.emitWarning(`A listener of ${eventName} failed: ${textOf(thrown)}`, {
    code: "WORKERKIT_LISTENER",
  });
}
