import { type OptionReaders, readLimit, readText } from "@workerkit/contracts";
import type { Lifecycle } from "@workerkit/lifecycle";
import {
  type ClosingReason,
  type Extension,
  type ExtensionHost,
  extend,
  type WorkerPort,
  WorkLease,
  workLeaseOf,
} from "@workerkit/lifecycle/extension";
import { describe, expectTypeOf, it } from "vitest";

declare const runtime: Lifecycle;
declare const port: WorkerPort;

interface WorkerOptions {
  readonly units?: number | undefined;
}
interface RuntimeOptions {
  readonly label?: string | undefined;
}

const api = { dispatch: () => 5 };
const extension: Extension<WorkerOptions, RuntimeOptions, typeof api> = {
  name: "units",
  workerOptions: { units: readLimit },
  runtimeOptions: { label: readText },
  attach(host, options) {
    expectTypeOf(host).toEqualTypeOf<ExtensionHost>();
    expectTypeOf(options.label).toEqualTypeOf<string | undefined>();
    return api;
  },
  onRegister(registered, options) {
    expectTypeOf(registered).toEqualTypeOf<WorkerPort>();
    expectTypeOf(options.units).toEqualTypeOf<number | undefined>();
  },
  onClosing(closing, why) {
    expectTypeOf(closing).toEqualTypeOf<WorkerPort>();
    expectTypeOf(why).toEqualTypeOf<ClosingReason>();
  },
};

describe("the seam", () => {
  it("gives back what attach makes", () => {
    expectTypeOf(extend(runtime, extension, {})).toEqualTypeOf<typeof api>();
    expectTypeOf(extend(runtime, extension)).toEqualTypeOf<typeof api>();
    extend(runtime, extension, { label: undefined });
    // @ts-expect-error no option of this name
    extend(runtime, extension, { labels: "x" });
    // @ts-expect-error a label is a text
    extend(runtime, extension, { label: 5 });
  });

  it("infers the options from their readers", () => {
    const made = extend(runtime, {
      name: "inferred",
      workerOptions: { units: readLimit },
      runtimeOptions: { label: readText },
      attach: (_, { label }) => ({ label }),
      onRegister: (_, { units }) => expectTypeOf(units).toEqualTypeOf<number | undefined>(),
    });
    expectTypeOf(made).toEqualTypeOf<{ label: string | undefined }>();
  });

  it("has a reader for every option: a key that nobody reads does not compile", () => {
    // @ts-expect-error units is read by nobody
    const none: OptionReaders<WorkerOptions> = {};
    // @ts-expect-error a reader of texts reads no number
    const wrong: OptionReaders<WorkerOptions> = { units: readText };
    void [none, wrong];
  });

  it("lets a unit of work be a lease with more to it", () => {
    class Unit extends WorkLease {
      readonly payload: unknown = undefined;
      override onAbort(reason: () => unknown): void {
        expectTypeOf(reason()).toEqualTypeOf<unknown>();
      }
      override onDeadline(): void {}
    }
    const unit = new Unit("work");
    port.open(unit);
    expectTypeOf(unit.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(port.refusal(unit)?.code).toExtend<string | undefined>();
    expectTypeOf(workLeaseOf({})).toEqualTypeOf<WorkLease | undefined>();
    // @ts-expect-error a label is needed
    new WorkLease();
  });
});
