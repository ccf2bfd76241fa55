/**
 * Bytes of requests and messages that have begun to arrive and are not whole, or not dealt with: counted over all
 * clients, so that many who send much and never end do not take the front's memory from the rest.
 */
export class IncomingBytes {
  private readonly max: number;
  private held = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** Counts more bytes. Returns false, and counts none, when they would be too many. */
  take(count: number): boolean {
    if (this.held + count > this.max) return false;
    this.held += count;
    return true;
  }

  giveBack(count: number): void {
    this.held -= count;
  }
}

/** Of one request or message, what is never counted: short ones always pass. */
export const uncountedBytes = 65_536;
