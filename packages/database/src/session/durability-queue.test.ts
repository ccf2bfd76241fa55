// Goal: nothing leaves before its offset is durable, everything leaves in order, and the ring keeps its order as it grows.
// Method: random pushes and releases against a plain array; sinks note what they get.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConnectionSink, ResumeNote } from "../link/link.ts";
import { DurabilityQueue } from "./durability-queue.ts";

const cases = caseCount(200);

class Sink implements ConnectionSink {
  readonly got: string[] = [];
  readonly queuedBytes = 0;
  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.got.push(`${bytes.subarray(at, at + length).join(",")}${last ? "." : "…"}`);
  }
  answered(messageCount: number): void {
    this.got.push(`answered ${messageCount}`);
  }
  note(note: ResumeNote): void {
    this.got.push(Object.values(note).join(" "));
  }
  close(): void {
    this.got.push("closed");
  }
}

describe("a durability queue", () => {
  test("holds an answer until its offset is durable", () => {
    const durability = new DurabilityQueue();
    const sink = new Sink();
    durability.push(sink, 3, Uint8Array.of(7, 8, 9), 1, 2, true, 5);
    durability.release(2);
    expect(sink.got).toEqual([]);
    durability.release(3);
    expect(sink.got).toEqual(["8,9.", "answered 5"]);
  });

  test("says what is answered and noted in its place", () => {
    const durability = new DurabilityQueue();
    const sink = new Sink();
    durability.push(sink, 0, { kind: "kept", message: 4, state: Uint8Array.of(9) }, 0, 0, true, 0);
    durability.push(sink, 0, Uint8Array.of(1), 0, 1, false, 0);
    durability.push(sink, 0, Uint8Array.of(2), 0, 1, true, 4);
    durability.push(sink, 0, undefined, 0, 0, true, 6);
    durability.release(0);
    expect(sink.got).toEqual(["kept 4 9", "1…", "2.", "answered 4", "answered 6"]);
  });

  test("is a queue, however many entries it holds", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("push" as const), count: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ kind: fc.constant("release" as const), ahead: fc.integer({ min: -2, max: 2 }) }),
    );
    assertProperty(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const durability = new DurabilityQueue();
        const sink = new Sink();
        const waiting: { readonly offset: number; readonly text: string }[] = [];
        const expected: string[] = [];
        let offset = 0;
        let byte = 0;
        for (const each of steps) {
          if (each.kind === "push") {
            for (let left = each.count; left > 0; left--) {
              byte = (byte + 1) % 251;
              durability.push(sink, offset, Uint8Array.of(byte), 0, 1, true, 0);
              waiting.push({ offset, text: `${byte}.` });
              if (left % 3 === 0) offset++;
            }
          } else {
            const durable = offset - 3 + each.ahead;
            durability.release(durable);
            while ((waiting[0]?.offset ?? Infinity) <= durable) expected.push(waiting.shift()?.text ?? "");
          }
        }
        expect(sink.got).toEqual(expected);
        expect(durability.count).toBe(waiting.length);
      }),
      Math.min(cases, 2000),
    );
  });
});
