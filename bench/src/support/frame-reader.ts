/** Finds the frames in what a socket brings. Only a header that a read cuts is kept; payloads are not gathered. */

/** Told of each frame when its header and the first bytes of its payload are there. */
export interface FrameTaker {
  /**
   * @param head holds the header from `at` on, and of the payload at least three bytes
   * @param length of the payload
   * @param available how much of the payload `head` holds
   */
  frame(opcode: number, head: Uint8Array, at: number, length: number, available: number): void;
}

/** The bytes of a payload that are there when its frame is told of. */
const payloadHeadBytes = 3;
const headBytesMax = 10 + payloadHeadBytes + 1;

export class FrameReader {
  private readonly taker: FrameTaker;
  /** Bytes of the frame that a read cut: what of its header is known, and how much is still to come. */
  private readonly header: Uint8Array = new Uint8Array(headBytesMax);
  private headerBytes = 0;
  private skipBytes = 0;

  constructor(taker: FrameTaker) {
    this.taker = taker;
  }

  /** Takes the bytes from `at` to `count`. */
  read(bytes: Uint8Array, at: number, count: number): void {
    while (at < count) {
      if (this.skipBytes > 0) {
        const skipped = Math.min(this.skipBytes, count - at);
        this.skipBytes -= skipped;
        at += skipped;
        continue;
      }
      let head: Uint8Array = bytes;
      let start = at;
      let available = count - at;
      if (this.headerBytes > 0) {
        const taken = Math.min(headBytesMax - this.headerBytes, available);
        this.header.set(bytes.subarray(at, at + taken), this.headerBytes);
        head = this.header;
        start = 0;
        available = this.headerBytes + taken;
      }
      const length7 = available < 2 ? 0 : (head[start + 1] as number);
      const headerBytes = length7 < 126 ? 2 : length7 === 126 ? 4 : 10;
      if (available < headerBytes + Math.min(payloadHeadBytes, length7)) {
        if (this.headerBytes === 0) this.header.set(bytes.subarray(at, count), 0);
        this.headerBytes = available;
        return;
      }
      let length = length7;
      if (length7 >= 126) {
        length = 0;
        for (let index = 2; index < headerBytes; index += 1) length = length * 256 + (head[start + index] as number);
      }
      const whole = headerBytes + length - this.headerBytes;
      this.headerBytes = 0;
      const there = Math.min(length, available - headerBytes);
      this.taker.frame((head[start] as number) & 0x0f, head, start + headerBytes, length, there);
      if (whole > count - at) this.skipBytes = whole - (count - at);
      at = Math.min(count, at + whole);
    }
  }
}
