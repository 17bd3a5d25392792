// A caller's signal that counts its listeners: an operation that is over must have left none.

export interface CountedSignal {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  readonly listeners: () => number;
}

export function countedSignal(): CountedSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const listening = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  const once = new Set<unknown>();
  add("abort", () => {
    for (const listener of once) listening.delete(listener);
  });
  signal.addEventListener = (
    type: string,
    listener: never,
    options?: { readonly once?: boolean },
  ) => {
    listening.add(listener);
    if (options?.once === true) once.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: never, options?: object) => {
    listening.delete(listener);
    remove(type, listener, options);
  };
  return { controller, signal, listeners: () => listening.size };
}
