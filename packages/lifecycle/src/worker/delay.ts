// A wait of the runtime's own, on its list of deadlines.

import { Deadline } from "@workerkit/contracts";

export class Delay extends Deadline {
  override readonly onDeadline: () => void;

  constructor(over: () => void) {
    super();
    this.onDeadline = over;
  }
}
