// Values that try to break whoever reads them.

/** Nonsense in the place of anything. */
// biome-ignore lint/suspicious/noExplicitAny: what is given here is wrong on purpose
export const wrong = (value: unknown): any => value;

const refuse = (): never => {
  throw new Error("a trap");
};

/** A proxy whose every trap throws. */
export function trappedProxy(): object {
  return new Proxy({}, new Proxy({}, { get: () => refuse }) as ProxyHandler<object>);
}

/** A proxy that was switched off: every operation on it throws. */
export function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An error whose properties throw when read. */
export function unreadableError(): Error {
  const error = new Error("unreadable");
  // The stack first: V8 writes it when it is first touched, and reads the name for it.
  for (const key of ["stack", "name", "message", "code", "cause"]) {
    Object.defineProperty(error, key, { get: refuse });
  }
  return error;
}

/** Everything that can be thrown and is not a usual Error, with a name for each. */
export const THROWN: readonly (readonly [name: string, thrown: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a string", "text"],
  ["a symbol", Symbol("thrown")],
  ["a bigint", 1n],
  ["a frozen error", Object.freeze(new Error("frozen"))],
  ["an object without prototype", Object.create(null)],
  ["an unreadable error", unreadableError()],
  ["a trapped proxy", trappedProxy()],
  ["a revoked proxy", revokedProxy()],
];
