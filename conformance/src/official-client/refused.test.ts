// Goal: row 32. The official client is not harmed by being told why `clientConnected` refuses it, where the reference
// drops the socket: it hears that it is disconnected, once, and others go on.
// Method: a module that refuses while its door is shut, and the official client on a real server.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient } from "./chat-client.ts";

describe.skipIf(!hasOfficialClient)("row 32: the official client and a module that refuses it", () => {
  let served: Served;
  let generated: GeneratedBindings;
  beforeAll(async () => {
    const entry = fileURLToPath(new URL("../database/modules/doorman.ts", import.meta.url));
    const program = new TextEncoder().encode((await bundleModule(entry)).code);
    served = await Served.open();
    await served.publish("doorman", program, "Js");
    generated = await GeneratedBindings.of(program, "Js");
  });
  afterAll(async () => {
    await served.stop();
    await generated?.remove();
  });

  const attempt = (): Promise<readonly string[]> =>
    new Promise((resolve) => {
      const heard: string[] = [];
      const end = (what: string): void => {
        heard.push(what);
        setImmediate(() => resolve(heard));
      };
      generated.bindings.DbConnection.builder()
        .withUri(served.url.replace("http", "ws"))
        .withModuleName("doorman")
        .onConnect((connection) => {
          heard.push("connected");
          connection.disconnect();
        })
        .onConnectError(() => end("not connected"))
        .onDisconnect(() => end("disconnected"))
        .build();
    });

  test("it hears that it is disconnected", async () => {
    expect(await attempt()).toEqual(["connected", "disconnected"]);
    expect((await served.call("doorman", "shut", "[]")).status).toBe(200);
    expect(await attempt()).toEqual(["disconnected"]);
    const refused = await RawClient.open(served.url, "doorman");
    await refused.over;
    expect(refused.closed).toEqual({ code: 4403, reason: "the door is shut" });
  });
});
