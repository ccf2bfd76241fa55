// Goal: the official client hears of a call that is refused before it runs, with its own arguments.
// Method: the chat on a real server with a small limit; the client's own callback for the reducer.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient, type Connection } from "./chat-client.ts";

const chat = fileURLToPath(new URL("../../../examples/chat/module/src/index.ts", import.meta.url));

describe.skipIf(!hasOfficialClient)("row 2: the official client's calls that are refused", () => {
  let served: Served;
  let generated: GeneratedBindings;
  beforeAll(async () => {
    const program = new TextEncoder().encode((await bundleModule(chat)).code);
    served = await Served.open({ databaseLimits: { callArgumentsBytesMax: 32 } });
    await served.publish("chat", program, "Js");
    generated = await GeneratedBindings.of(program, "Js");
  });
  afterAll(async () => {
    await served.stop();
    await generated?.remove();
  });

  test("callArgumentsBytesMax: it hears why, with what it had sent", async () => {
    const connection = await new Promise<Connection>((resolve, reject) => {
      generated.bindings.DbConnection.builder()
        .withUri(served.url.replace("http", "ws"))
        .withModuleName("chat")
        .onConnect(resolve)
        .onConnectError((_context, error) => reject(error))
        .build();
    });
    const heard: { readonly text: string; readonly status: string; readonly why: unknown }[] = [];
    const both = new Promise<void>((resolve) => {
      connection.reducers.onSendMessage(({ event: { status } }, { text }) => {
        if (heard.push({ text, status: status.tag, why: status.value }) === 2) resolve();
      });
    });
    const long = "x".repeat(40);
    connection.reducers.sendMessage({ text: long });
    connection.reducers.sendMessage({ text: "short" });
    await both;
    expect(heard).toMatchObject([
      { text: long, status: "Failed", why: expect.stringContaining("callArgumentsBytesMax: 44 is over 32") as string },
      { text: "short", status: "Committed" },
    ]);
    connection.disconnect();
  });
});
