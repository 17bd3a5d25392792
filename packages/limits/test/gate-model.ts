// What a gate must do, in the plainest words: lists, and a search through all of them at every step.

export type Flavour = "tryAcquire" | "acquire" | "run";

/** How one caller fares. */
export type Standing =
  | "refused"
  | "waiting"
  | "holding"
  | "gave back"
  | "queue-full"
  | "queue-timeout"
  | "aborted";

interface ModelCaller {
  readonly id: number;
  readonly flavour: Flavour;
  readonly dueAtMs: number;
  standing: Standing;
  /** A run whose turn has come, but whose function has not been called yet. */
  granted: boolean;
  signalAborted: boolean;
  /** A run whose function is about to end. */
  ending: boolean;
}

export class GateModel {
  readonly callers: ModelCaller[] = [];
  readonly queue: ModelCaller[] = [];
  /** Who came to hold a slot, in order. */
  readonly served: Readonly<Record<Flavour, number[]>> = { tryAcquire: [], acquire: [], run: [] };
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
  limit: number;
  nowMs = 0;
  /** How many answers to `drained` are owed. */
  drainedOwed = 0;
  drainedGiven = 0;

  constructor(limit: number, queueSize: number, queueTimeoutMs: number) {
    this.limit = limit;
    this.queueSize = queueSize;
    this.queueTimeoutMs = queueTimeoutMs;
  }

  get active(): number {
    return this.callers.filter(({ standing }) => standing === "holding").length;
  }

  ask(flavour: Flavour, timeoutMs: number | undefined, aborted: boolean): void {
    const waitMs = timeoutMs ?? this.queueTimeoutMs;
    const caller: ModelCaller = {
      id: this.callers.length,
      flavour,
      dueAtMs: this.nowMs + waitMs,
      standing: "waiting",
      granted: false,
      signalAborted: aborted,
      ending: false,
    };
    if (aborted && flavour !== "tryAcquire") caller.standing = "aborted";
    else if (this.queue.length === 0 && this.active < this.limit) this.#hold(caller);
    else if (flavour === "tryAcquire") caller.standing = "refused";
    else if (this.queue.length >= this.queueSize) caller.standing = "queue-full";
    else if (waitMs === 0) caller.standing = "queue-timeout";
    this.callers.push(caller);
    if (caller.standing === "waiting") this.queue.push(caller);
  }

  giveBack(id: number): void {
    const caller = this.#caller(id);
    if (caller.standing !== "holding") return;
    // A run gives its slot back a little after its function has ended.
    if (caller.flavour === "run") caller.ending = true;
    else this.#free(caller, "gave back");
  }

  abort(id: number): void {
    const caller = this.#caller(id);
    caller.signalAborted = true;
    if (caller.standing === "waiting") this.#leave(caller, "aborted");
  }

  resize(limit: number): void {
    this.limit = limit;
    this.#serve();
  }

  drained(): void {
    this.drainedOwed++;
    this.#answerDrained();
  }

  /** All that follows without any time passing. */
  settle(): void {
    for (;;) {
      const granted = this.callers.find((caller) => caller.granted);
      const ending = this.callers.find((caller) => caller.ending);
      if (ending !== undefined) {
        ending.ending = false;
        this.#free(ending, "gave back");
      } else if (granted !== undefined) {
        granted.granted = false;
        if (granted.signalAborted) this.#free(granted, "aborted");
        else this.#hold(granted);
      } else return;
    }
  }

  advance(byMs: number): void {
    this.settle();
    this.nowMs += byMs;
    for (const caller of this.queue.filter(({ dueAtMs }) => dueAtMs <= this.nowMs)) {
      this.#leave(caller, "queue-timeout");
    }
  }

  #caller(id: number): ModelCaller {
    const caller = this.callers[id];
    if (caller === undefined) throw new Error(`there is no caller ${id}`);
    return caller;
  }

  #free(caller: ModelCaller, standing: Standing): void {
    caller.standing = standing;
    this.#serve();
    this.#answerDrained();
  }

  #leave(caller: ModelCaller, standing: Standing): void {
    this.queue.splice(this.queue.indexOf(caller), 1);
    caller.standing = standing;
  }

  #serve(): void {
    while (this.active < this.limit) {
      const [first] = this.queue;
      if (first === undefined) return;
      this.#leave(first, "holding");
      // A run looks at its signal once more before it calls its function.
      if (first.flavour === "run") first.granted = true;
      else this.#hold(first);
    }
  }

  #hold(caller: ModelCaller): void {
    caller.standing = "holding";
    this.served[caller.flavour].push(caller.id);
  }

  #answerDrained(): void {
    if (this.active > 0) return;
    this.drainedGiven += this.drainedOwed;
    this.drainedOwed = 0;
  }
}
