// Values that try to break whoever reads them.

const refuse = (): never => {
  throw new Error("a trap");
};

/** A proxy whose every trap throws. */
export function trappedProxy(target: object = {}): object {
  return new Proxy(
    target,
    new Proxy({}, { get: () => refuse }) as ProxyHandler<object>, // the handler itself has every trap
  );
}

/** A proxy that was switched off: every operation on it throws, `Array.isArray` too. */
export function revokedProxy(target: object = {}): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** An object whose properties throw when read. */
export function throwingGetters(...keys: readonly string[]): object {
  const target = {};
  for (const key of keys) Object.defineProperty(target, key, { get: refuse, enumerable: true });
  return target;
}

/** An object that holds itself. */
export function circular(): object {
  const circle: Record<string, unknown> = {};
  circle.itself = circle;
  return circle;
}
