// Goal: on a Node without a WebSocket of its own the client says what to do, and works with the class that it is given.
// Method: the client in one file, as a bundler makes it; each of the two programs by a Node below 22, if one is on the
// path, against a real server. Skipped by name where there is none.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A Node of major 20 or 21 on the path, or where Linux distributions put one. */
async function findOldNode(): Promise<string | undefined> {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"]) {
    const node = join(folder, "node");
    const version = await run(node, ["--version"]).then(
      ({ stdout }) => stdout,
      () => "",
    );
    if (/^v2[01]\./.test(version)) return node;
  }
  return undefined;
}

const node = await findOldNode();
const program = (importWs: string): string => `${importWs}
import { connect } from "./client.mjs";
const [uri] = process.argv.slice(2);
try {
  const db = connect({ uri, database: "chat"${importWs === "" ? "" : ", WebSocket"} });
  db.tables.message.onInsert(({ text }) => console.log("said", text));
  await db.subscribe(db.tables.message).applied;
  await db.reducers.sendMessage({ text: "from an old Node" });
  console.log("refused", await db.reducers.sendMessage({ text: "" }).catch(({ code, message }) => code + ": " + message));
  db.close();
} catch ({ code, message, hint }) {
  console.log(code + ": " + message + "\\n" + hint);
}
`;

describe.skipIf(node === undefined)(
  `row 28: a Node without WebSocket (${node ?? "none below 22 is on the path"})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "lightcone-old-node-"));
    let served: Served;

    beforeAll(async () => {
      const entry = join(root, "packages/lightcone/src/client.ts");
      await build({
        root: folder,
        logLevel: "error",
        configFile: false,
        build: {
          target: "node20",
          outDir: folder,
          emptyOutDir: false,
          lib: { entry, formats: ["es"], fileName: () => "client.mjs" },
        },
      });
      served = await Served.open();
      await served.publishTypeScript("chat", "chat");
    });
    afterAll(async () => {
      await served.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    async function runProgram(text: string): Promise<string> {
      const file = join(folder, "program.mjs");
      writeFileSync(file, text);
      const { stdout } = await run(node ?? "", [file, served.url]);
      return stdout;
    }

    test("says what to do", async () => {
      expect(await runProgram(program(""))).toMatch(
        /^NoWebSocket: this runtime has no WebSocket of its own\n.*npm install ws.*connect\(\{ …, WebSocket \}\)/,
      );
    });

    test("works with that of the package ws", async () => {
      const ws = join(root, "node_modules/ws/wrapper.mjs");
      expect(await runProgram(program(`import { WebSocket } from ${JSON.stringify(ws)};`))).toBe(
        "said from an old Node\nrefused ReducerFailed: Messages must not be empty\n",
      );
    });
  },
);
