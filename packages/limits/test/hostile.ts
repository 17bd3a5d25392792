// Values that break whoever reads them without care.

const refuse = (): never => {
  throw new Error("a trap");
};

/** A proxy whose every trap throws. */
export function trappedProxy(): object {
  // The handler itself has every trap.
  return new Proxy({}, new Proxy({}, { get: () => refuse }) as ProxyHandler<object>);
}

/** A proxy that was switched off: every operation on it throws. */
export function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
