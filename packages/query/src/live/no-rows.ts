/** A result that never has rows, whatever the relations: its condition cannot hold. */
import type { Operator } from "./operator.ts";

export class NoRows implements Operator {
  readonly width: number;
  readonly isConsolidated = true;
  readonly stateBytes = 0;

  constructor(width: number) {
    this.width = width;
  }

  add(): void {
    // It finds no rows for any query.
  }

  drop(): void {
    // As above.
  }

  advance(): void {
    // Nothing changes.
  }

  close(): void {
    // It holds nothing.
  }
}
