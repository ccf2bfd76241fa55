// Goal: docs/wire/javascript-abi.md names every function and hook, and no other.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FakePort } from "../testing/fake-port.ts";
import { sysHooks, sysModules, sysPrefix } from "./abi.ts";
import { functionsOf1, functionsOf2, type SysSite } from "./functions.ts";
import { Operations } from "./operations.ts";

const page = readFileSync(new URL("../../../../docs/wire/javascript-abi.md", import.meta.url), "utf8");
const listed = (head: string): readonly string[] =>
  [...(page.split(`## ${head}`)[1]?.split("\n## ")[0] ?? "").matchAll(/^\| ([\d.]+) \| `(\w+)` \| .+ \|$/gm)].map(
    ([, version, name]) => `${version} ${name}`,
  );

test("row 9: the page lists each name and its state", () => {
  expect(listed("Names")).toEqual(
    Object.entries(sysModules).flatMap(([module, names]) =>
      names.map((name) => `${module.slice(sysPrefix.length)} ${name}`),
    ),
  );
  expect(listed("Hooks")).toEqual(
    Object.entries(sysHooks).flatMap(([major, hooks]) => Object.keys(hooks).map((name) => `${major} ${name}`)),
  );
});

test("each name is a function of its version", () => {
  const operations = new Operations(new FakePort(), (_code, text) => {
    throw new Error(text);
  });
  const site: SysSite = { operations, identity: () => 0n, callersPlace: () => undefined };
  const missing: string[] = [];
  const own = new Set(["register_hooks", "moduleHooks"]);
  for (const [module, names] of Object.entries(sysModules)) {
    const functions = module.startsWith(`${sysPrefix}1`) ? functionsOf1(site) : functionsOf2(site);
    for (const name of names)
      if (!own.has(name) && typeof functions[name] !== "function") missing.push(`${name} of ${module}`);
  }
  expect(missing).toEqual([]);
});
