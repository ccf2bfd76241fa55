// Goal: issue 9, row "protocols". Tables and columns are taken under the name in the module's code and under the one on the wire, in
// SQL and in subscriptions alike; functions under the wire's, as in the reference. Answers carry the wire's names.
// Method: a module whose names have digits; statements over HTTP, and both lines of the official client, whose queries are spelled
// each way, before and after a change.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient, hasOfficialClient2 } from "./chat-client.ts";

const module = fileURLToPath(new URL("../typescript/modules/spelled.ts", import.meta.url));
const tables = ["all_u8s", "all_u_8_s"];
const columns = ["byteU8", "byte_u_8"];
const spellings = tables.flatMap((table) => columns.map((column) => ({ table, column })));

/** The lines of the client that are installed. */
const lines = [
  ...(hasOfficialClient ? [{ sdk: 1 } as const] : []),
  ...(hasOfficialClient2 ? [{ sdk: 2 } as const] : []),
];

/** What the suite uses of either line of the client. */
interface Connection {
  readonly db: { readonly allU8S: { iter(): Iterable<{ readonly id: number; readonly byteU8: number }> } };
  readonly reducers: { addU8(args: { readonly id: number; readonly byteU8: number }): void };
  subscriptionBuilder(): SubscriptionBuilder;
  disconnect(): void;
}
interface SubscriptionBuilder {
  onApplied(run: () => void): SubscriptionBuilder;
  onError(run: (context: { readonly event?: Error }) => void): SubscriptionBuilder;
  subscribe(query: string): { unsubscribe(): void };
}
interface Builder {
  withUri(uri: string): Builder;
  withModuleName?(name: string): Builder;
  withDatabaseName?(name: string): Builder;
  onConnect(run: (connection: Connection) => void): Builder;
  onConnectError(run: (context: unknown, error: Error) => void): Builder;
  build(): Connection;
}

let served: Served;
let program: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  served = await Served.open();
  program = new TextEncoder().encode((await bundleModule(module)).code);
  await served.publish("spelled", program, "Js");
  for (const id of [1, 2]) await served.call("spelled", "add_u_8", JSON.stringify([id, id * 10]));
});
afterAll(() => served.stop());

describe("row protocols: both spellings of a name", () => {
  test.each(spellings)("SQL reads $table and $column", async ({ table, column }) => {
    const response = await served.request(
      "POST",
      "/v1/database/spelled/sql",
      `SELECT * FROM ${table} WHERE ${table}.${column} = 20`,
    );
    const [result]: { rows: unknown; schema: { elements: { name: { some: string } }[] } }[] = JSON.parse(
      await response.text(),
    );
    expect(result?.rows).toEqual([[2, 20]]);
    expect(result?.schema.elements.map(({ name }) => name.some)).toEqual(["id", "byte_u_8"]);
  });

  test.each(spellings)("SQL writes $table and $column", async ({ table, column }) => {
    await served.sql("spelled", `INSERT INTO ${table} (id, ${column}) VALUES (9, 90)`);
    await served.sql("spelled", `UPDATE ${table} SET ${column} = 91 WHERE ${column} = 90`);
    expect(await served.sql("spelled", "SELECT * FROM all_u_8_s WHERE id = 9")).toEqual([[9, 91]]);
    await served.sql("spelled", `DELETE FROM ${table} WHERE ${column} = 91`);
    expect(await served.sql("spelled", "SELECT * FROM all_u_8_s WHERE id = 9")).toEqual([]);
  });

  test("a function has the name on the wire alone", async () => {
    const refused = await served.call("spelled", "addU8", "[3, 30]");
    expect(refused.status).toBe(404);
    expect(await served.sql("spelled", "SELECT * FROM all_u8s WHERE id = 3")).toEqual([]);
  });

  describe.each(lines)("subscribed to by the official client of line $sdk", ({ sdk }) => {
    let generated: GeneratedBindings | undefined;
    afterAll(() => generated?.remove());

    test.each(spellings)("as $table and $column", async ({ table, column }) => {
      generated ??= await GeneratedBindings.of(program, "Js", sdk);
      const bindings: unknown = generated.bindings;
      const { DbConnection } = bindings as { DbConnection: { builder(): Builder } };
      const connection = await new Promise<Connection>((resolve, reject) => {
        const builder = DbConnection.builder().withUri(served.url.replace("http", "ws"));
        (builder.withDatabaseName?.("spelled") ?? builder.withModuleName?.("spelled"))
          ?.onConnect(resolve)
          .onConnectError((_context, error) => reject(error))
          .build();
      });
      const query = `SELECT * FROM ${table} WHERE ${column} > 10`;
      await new Promise<void>((resolve, reject) => {
        const builder = connection.subscriptionBuilder().onApplied(resolve);
        builder.onError(({ event }) => reject(event ?? new Error("refused"))).subscribe(query);
      });
      const ids = (): number[] => Array.from(connection.db.allU8S.iter(), ({ id }) => id).toSorted((a, b) => a - b);
      expect(ids()).toEqual([2]);
      connection.reducers.addU8({ id: 5, byteU8: 50 });
      await expect.poll(ids).toEqual([2, 5]);
      await served.sql("spelled", "DELETE FROM all_u_8_s WHERE id = 5");
      await expect.poll(ids).toEqual([2]);
      connection.disconnect();
    });
  });
});
