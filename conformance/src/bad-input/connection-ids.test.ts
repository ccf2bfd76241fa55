// Goal: row 8, on a real server: a client that chooses the connection id of another connection is refused and told so,
// also by the identity's own second connection; nobody's calls or rows are another's; the id is free when it is let go.
// Method: sockets that choose ids, with one identity and with two, over a host that is killed meanwhile.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHexReversed } from "@lightcone/sats";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const id = "00000000000000000000000000000abc";
const query = `&connection_id=${id}`;

let served: Served;
let other: string;
beforeAll(async () => {
  served = await Served.open();
  await served.publishTypeScript("ledger", "ledger");
  const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  ({ token: other } = JSON.parse(await response.text()));
});
afterAll(() => served.stop());

function recordArgs(client: number, number: number): Uint8Array {
  const args = new Uint8Array(8);
  new DataView(args.buffer).setUint32(0, client, true);
  new DataView(args.buffer).setUint32(4, number, true);
  return args;
}

describe("row 8: a connection id that the client chooses", () => {
  test("is one connection's of an identity at a time, over a host that ends too", async () => {
    const first = await RawClient.open(served.url, "ledger", { token: served.token, query });
    const greeting = await first.next();
    if (greeting?.kind !== "IdentityToken") throw new Error("not greeted");
    expect(toHexReversed(greeting.connectionId)).toBe(id);
    const stranger = await RawClient.open(served.url, "ledger", { token: other, query });
    expect((await stranger.next())?.kind).toBe("IdentityToken");

    for (const isAfterKill of [false, true]) {
      if (isAfterKill) served.killHost();
      const second = await RawClient.open(served.url, "ledger", { token: served.token, query });
      await second.over;
      expect(second.closed).toEqual({ code: 4409, reason: `this identity has a connection with id ${id} already` });
      expect(await second.next()).toBeUndefined();
      for (const [index, client] of [first, stranger].entries()) {
        client.call("record", recordArgs(index, Number(isAfterKill)), 7);
        expect(await client.next()).toMatchObject({ kind: "TransactionUpdate", requestId: 7 });
      }
    }
    expect(await served.sql("ledger", "SELECT client, number FROM entry")).toHaveLength(4);

    first.close();
    await first.over;
    const third = await RawClient.open(served.url, "ledger", { token: served.token, query });
    expect((await third.next())?.kind).toBe("IdentityToken");
    third.close();
    stranger.close();
  });
});
