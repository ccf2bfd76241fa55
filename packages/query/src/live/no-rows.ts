/** The operator of a condition that can never hold: its result is always empty. */
import type { Operator } from "./operator.ts";

export class NoRows implements Operator {
  readonly width: number;
  readonly isConsolidated = true;
  readonly stateBytes = 0;

  constructor(width: number) {
    this.width = width;
  }

  add(): void {
    // No query has rows, so there is nothing to keep.
  }

  drop(): void {
    // Nothing was kept.
  }

  advance(): void {
    // The result stays empty.
  }

  close(): void {
    // Nothing is in use.
  }
}
