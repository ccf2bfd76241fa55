// Goal: the next host is given what has no answer and nothing else, whatever waits while later messages are answered.
// Method: random frames of version 3, of which a host answers some at once and lets others wait, and hosts that end in
// between; against a set of the numbers without an answer.
import { assertProperty } from "@lightcone/base/testing";
import { v2 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink } from "../link/link.ts";
import { HeldConnection } from "./held-connection.ts";

const info: ConnectionInfo = {
  caller: { identity: new Uint8Array(32), connectionId: new Uint8Array(16).fill(1), claims: "", isOwner: false },
  token: "",
  protocol: "v3.bsatn",
  compression: "none",
  light: false,
  confirmed: true,
};
const nothing = (): void => undefined;
const client: ConnectionSink = { send: nothing, queuedBytes: 0, answered: nothing, note: nothing, close: nothing };
const host: ConnectionHandle = { receive: nothing, closed: nothing, ready: true, onReady: undefined };

/** A frame of calls, whose request ids are the messages' numbers. */
function frame(first: number, count: number): Uint8Array {
  const out = new ByteWriter();
  for (let number = first; number < first + count; number += 1)
    v2.encodeClientMessage(out, { kind: "OneOffQuery", requestId: number, query: "q".repeat(number % 7) });
  return out.toBytes();
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("says" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant("answers" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("waits" as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("done" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("ends" as const) }) },
);

test("what has no answer is handed on, each by itself and in order, and nothing else", () => {
  assertProperty(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held = new HeldConnection(info, client, { isResting: false, said: nothing, over: nothing });
      held.attach(host, 0);
      held.send(Uint8Array.of(0), 0, 1, true);
      let said = 0;
      /** What the present host has not looked at yet, and what waits in it. */
      let queue: number[] = [];
      let waiting: number[] = [];
      const expectHanded = (): void => {
        const handed = held.resume().pending;
        expect(handed.map(({ number }) => number)).toEqual([...waiting, ...queue].sort((a, b) => a - b));
        for (const { number, bytes } of handed)
          expect(v2.decodeClientMessage(bytes, 0, bytes.length)).toMatchObject({ requestId: number });
      };
      for (const each of steps) {
        switch (each.does) {
          case "says": {
            const bytes = frame(said + 1, each.count);
            held.receive(bytes, 0, bytes.length, false);
            for (let left = each.count; left > 0; left -= 1) queue.push((said += 1));
            break;
          }
          case "answers": {
            // Of several in one batch only the last is told.
            const last = queue.splice(0, each.count).at(-1);
            if (last !== undefined) held.answered(last);
            break;
          }
          case "waits": {
            const number = queue.shift();
            if (number === undefined) break;
            held.note({ kind: "waits", message: number });
            waiting.push(number);
            break;
          }
          case "done": {
            const [number] = waiting.splice(each.which % Math.max(1, waiting.length), 1);
            if (number !== undefined) held.note({ kind: "done", message: number });
            break;
          }
          case "ends":
            held.detach(false);
            expectHanded();
            queue = [...waiting, ...queue].sort((a, b) => a - b);
            waiting = [];
            held.reattach(host);
        }
        expect(held.isIdle).toBe(queue.length + waiting.length === 0);
      }
      held.detach(false);
      expectHanded();
    }),
    1000,
  );
});
