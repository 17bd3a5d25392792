// Values that try to break whoever reads them.

const refuse = (): never => {
  throw new Error("a trap");
};

/** A proxy whose every trap throws. */
export function trappedProxy(): object {
  return new Proxy({}, new Proxy({}, { get: () => refuse }) as ProxyHandler<object>);
}

/** An error whose properties throw when read. */
export function unreadableError(): Error {
  const error = new Error("unreadable");
  // The stack first: V8 writes it when it is first touched, and reads the name for it.
  for (const key of ["stack", "name", "message", "code", "cause", "originalError", "~fatal"]) {
    Object.defineProperty(error, key, { get: refuse });
  }
  return error;
}

function errorWithThrowingStack(): Error {
  return Object.defineProperty(new Error("stackless"), "stack", { get: refuse });
}

/** Everything that can be thrown and is not a usual Error, with a name for each. */
export const THROWN: readonly (readonly [name: string, thrown: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a string", "text"],
  ["zero", 0],
  ["NaN", Number.NaN],
  ["false", false],
  ["a symbol", Symbol("thrown")],
  ["a bigint", 1n],
  ["a function", () => {}],
  ["a TypeError", new TypeError("x is not a function")],
  ["a frozen error", Object.freeze(new Error("frozen"))],
  ["an object without prototype", Object.create(null)],
  ["an unreadable error", unreadableError()],
  ["an error whose stack throws", errorWithThrowingStack()],
  ["a trapped proxy", trappedProxy()],
  // biome-ignore lint/suspicious/noThenProperty: that is what makes it hostile
  ["a thenable", { then: () => {} }],
  ["a DOMException named AbortError", new DOMException("aborted", "AbortError")],
];
