// Everything that code may throw, reject with, or report as a failure.

import { AssertionError } from "node:assert";
import { Panic, WorkerkitError, withFatal } from "@workerkit/contracts";

/** A value to throw, and whether any policy may answer it with another attempt. */
export interface Thrown {
  readonly name: string;
  readonly value: unknown;
  readonly hopeless: boolean;
}

function circular(): unknown {
  const object: { self?: unknown } = {};
  object.self = object;
  return object;
}

function unreadable(): unknown {
  const refuse = () => {
    throw new Error("this cannot be read");
  };
  return new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse });
}

function withThrowingGetters(): unknown {
  const error = new Error("its properties throw");
  void error.stack; // made now: it cannot be made any more once the message throws
  for (const key of ["message", "stack", "code", "cause"]) {
    Object.defineProperty(error, key, {
      get() {
        throw new Error(`${key} cannot be read`);
      },
    });
  }
  return error;
}

/** Ordinary errors first, so that what shrinks becomes ordinary. */
export const THROWN: readonly Thrown[] = [
  { name: "an error", value: new Error("it failed"), hopeless: false },
  { name: "a type error", value: new TypeError("x is not a function"), hopeless: false },
  { name: "undefined", value: undefined, hopeless: false },
  { name: "null", value: null, hopeless: false },
  { name: "a text", value: "it failed", hopeless: false },
  { name: "a symbol", value: Symbol("failed"), hopeless: false },
  { name: "a frozen error", value: Object.freeze(new Error("frozen")), hopeless: false },
  { name: "a circular object", value: circular(), hopeless: false },
  { name: "a proxy that throws", value: unreadable(), hopeless: false },
  { name: "an error that throws", value: withThrowingGetters(), hopeless: false },
  {
    name: "an error of a stop",
    value: new WorkerkitError("INTERRUPTED", "it gave way"),
    hopeless: false,
  },
  { name: "a panic", value: new Panic("it cannot be"), hopeless: true },
  { name: "a reference error", value: new ReferenceError("x is not defined"), hopeless: true },
  {
    name: "an assertion",
    value: new AssertionError({ message: "it is not so" }),
    hopeless: true,
  },
  { name: "a fatal error", value: withFatal(new Error("give up")), hopeless: true },
];

/** What is thrown for a drawn number. */
export function thrownFor(index: number): Thrown {
  const thrown = THROWN[index % THROWN.length] ?? THROWN[0];
  if (thrown === undefined) throw new Error("nothing to throw");
  return thrown;
}
