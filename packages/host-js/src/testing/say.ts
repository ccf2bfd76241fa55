/**
 * Says what expressions give inside a module: `node say.ts SANDBOX`, with a JSON list of them on standard input. A process
 * of its own, so that it can have another time zone and language.
 */
import { text } from "node:stream/consumers";
import { outsideMicrotasks } from "@lightcone/base/node";
import { loadJsModule } from "../index.ts";
import { bundleOf, FakePort, someCall } from "./fake-port.ts";

const sandbox = process.argv[2] === "ses" ? "ses" : "vm";
// Our own parent wrote it.
const expressions = JSON.parse(await text(process.stdin)) as readonly string[];
const bodies = expressions.map(
  (expression) =>
    `try { said.push(show(${expression})); } catch (error) { said.push("threw " + error.name + ": " + error.message); }`,
);
const port = new FakePort();
const before = `const show = (value) => typeof value === "string" ? value : value === undefined ? "undefined" : typeof value === "bigint" ? value + "n" : JSON.stringify(value) ?? String(value);`;
const bundle = bundleOf(`const said = [];\n${bodies.join("\n")}\nconsole.log(JSON.stringify(said));`, before);
const outcome = await outsideMicrotasks(() =>
  loadJsModule(bundle, undefined, { sandbox }).open(port).callReducer(someCall),
);
process.stdout.write(outcome.kind === "ok" ? (port.lines[0]?.message ?? "") : JSON.stringify(outcome));
