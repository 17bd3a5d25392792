import type {
  AnyEvent,
  CommandEndEvent,
  EventName,
  EventSink,
  EventSource,
  RuntimeEvent,
  RuntimeState,
  Unsubscribe,
  WorkerFailureEvent,
  WorkerkitEvents,
  WorkerTransitionEvent,
} from "@workerkit/contracts";
import { describe, expectTypeOf, it } from "vitest";

declare const events: EventSource<WorkerkitEvents>;
declare const sink: EventSink<WorkerkitEvents>;

describe("EventSource", () => {
  it("on gives the listener the event of its name", () => {
    const unsubscribe = events.on("worker:failure", (event) => {
      expectTypeOf(event).toEqualTypeOf<WorkerFailureEvent>();
    });
    expectTypeOf(unsubscribe).toEqualTypeOf<Unsubscribe>();
    events.on("command:end", async ({ outcome }) => outcome, { when: () => true });
    events.on("command:end", () => {}, { when: undefined });
    // @ts-expect-error no event has this name
    events.on("worker:failed", () => {});
    // @ts-expect-error a listener of another event
    events.on("worker:readiness", (event: WorkerFailureEvent) => event);
  });

  it("onAny narrows the event by its name", () => {
    events.onAny((name, event) => {
      expectTypeOf(name).toEqualTypeOf<EventName>();
      expectTypeOf(event.at).toEqualTypeOf<number>();
      if (name === "worker:transition") {
        expectTypeOf(event).toEqualTypeOf<WorkerTransitionEvent>();
      } else if (name === "command:end") {
        expectTypeOf(event).toEqualTypeOf<CommandEndEvent>();
      } else {
        // @ts-expect-error no other event has an outcome and attempts
        event.attempts;
      }
    });
    events.onAny((...[name, event]) => {
      switch (name) {
        case "worker:failure":
          expectTypeOf(event.final).toEqualTypeOf<boolean>();
          break;
        case "command:rejected":
          expectTypeOf(event.queuedMs).toEqualTypeOf<number>();
          break;
        default:
          // @ts-expect-error only a failure is final
          event.final;
      }
    });
  });

  it("once resolves with the event of its name", () => {
    expectTypeOf(events.once("worker:failure")).toEqualTypeOf<Promise<WorkerFailureEvent>>();
    expectTypeOf(
      events.once("command:end", { signal: new AbortController().signal }),
    ).resolves.toEqualTypeOf<CommandEndEvent>();
    expectTypeOf(events.once("command:end", { signal: undefined })).resolves.toHaveProperty(
      "attempts",
    );
    // @ts-expect-error no event has this name
    void events.once("worker:failed");
  });
});

describe("EventSink", () => {
  it("takes the whole event of a name, and no other", () => {
    const base = { runtime: "shop", at: 0, worker: "orders", generation: 1 };
    sink.emit("worker:readiness", { ...base, ready: true });
    // @ts-expect-error ready is missing
    sink.emit("worker:readiness", base);
    // @ts-expect-error ready is no text
    sink.emit("worker:readiness", { ...base, ready: "yes" });
    expectTypeOf(sink.wants("worker:stall")).toEqualTypeOf<boolean>();
  });
});

describe("WorkerkitEvents", () => {
  it("gives every event a runtime and a time", () => {
    expectTypeOf<WorkerkitEvents[EventName]>().toExtend<RuntimeEvent>();
    expectTypeOf<AnyEvent<WorkerkitEvents>>().toExtend<[EventName, RuntimeEvent]>();
  });

  it("has no restarting runtime", () => {
    expectTypeOf<"starting">().toExtend<RuntimeState>();
    expectTypeOf<"restarting">().not.toExtend<RuntimeState>();
  });
});
