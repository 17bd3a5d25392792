// A stream whose items the test ends one by one.

import { type StreamOptions, stream, type WorkContext } from "@workerkit/lifecycle";
import { type Gate, gate } from "../worker/gate.ts";
import { type Channel, channel } from "./channel.ts";
import { type Host, type HostOptions, host } from "./host.ts";

export interface Streaming extends Host {
  readonly source: Channel<string>;
  /** What ends the handling of an item; made when its handler begins. */
  readonly item: (name: string) => Gate;
  readonly contexts: Map<string, WorkContext<void>>;
}

/** Hosts a stream over `source` that logs when the handling of each item begins, and waits for the test to end it. */
export function streaming(
  options: Partial<StreamOptions<string>> = {},
  policy: HostOptions = {},
  source: Channel<string> = channel(),
): Streaming {
  const gates = new Map<string, Gate>();
  const contexts = new Map<string, WorkContext<void>>();
  const item = (name: string) => {
    const known = gates.get(name) ?? gate();
    gates.set(name, known);
    return known;
  };
  const worker = stream<string>({
    source: () => source,
    handle: (name, ctx) => {
      hosted.say(name);
      contexts.set(name, ctx);
      return item(name).promise;
    },
    onError: "continue",
    ...options,
  });
  const hosted = host(worker, policy);
  return { ...hosted, source, item, contexts };
}
