// Goal: issue 9, `generate --module-def`: a description written as JSON is the same module again, whatever its version and its names.
// Method: every recorded description and one with submodules, served as both versions and read again; the way that tools write it.
import { describe, expect, test } from "vitest";
import { checkModule } from "./check-module.ts";
import { descriptionFromJson } from "./description-from-json.ts";
import { serveSchema } from "./serve-schema.ts";
import { descriptionVectors, vectorModule } from "./testing/vectors.ts";
import { fleetWith } from "./testing/module-parts.ts";
import type { ModuleDef } from "./module-def.ts";

const nested = checkModule(
  fleetWith({
    submodules: ["north", "South"].map((namespace) => ({ namespace, module: fleetWith({ lifecycles: [] }) })),
  }),
);
const unconverted = checkModule({ ...fleetWith({}), casePolicy: "none" });
const modules: readonly (readonly [string, ModuleDef])[] = [
  ...descriptionVectors.map(({ id }) => [id, checkModule(vectorModule(id))] as const),
  ["submodules", nested],
  ["no policy", unconverted],
];

describe.each(modules)("issue 9: %s", (_, def) => {
  // Version 9 knows no submodules: theirs are told with names that it cannot take back.
  test.each(["9", "10"] as const)("as served in version %s, is the same again", (form) => {
    if (form === "9" && def.submodules.length > 0) return;
    const text = serveSchema(def, form);
    const again = serveSchema(checkModule(descriptionFromJson(text)), form);
    // In version 10 nobody but the database calls what it calls by itself.
    const compared = (each: string): string =>
      def.version === 9 ? each.replaceAll(/"visibility":\{"\w+":\[\]\}/g, "") : each;
    expect(compared(again)).toBe(compared(text));
    expect(descriptionFromJson(`{"V${form}":${text}}`)).toEqual(descriptionFromJson(text));
  });
});

test("what it says of its case policy is kept", () => {
  const text = `{"sections":[{"Typespace":{"types":[]}},{"HttpHandlers":[{"source_name":"sayHi"}]},{"CaseConversionPolicy":{"SnakeCase":[]}}]}`;
  expect(checkModule(descriptionFromJson(text)).httpHandlers).toEqual([{ name: "say_hi", accessor: "sayHi" }]);
  expect(checkModule(descriptionFromJson(text.replace("SnakeCase", "None"))).httpHandlers[0]?.name).toBe("sayHi");
});

test.each([
  ["{}", "neither `sections`"],
  ["[", "at byte 1: the text ends"],
  [`{"sections":[{"Typespace":{"types":[{"Nothing":[]}]}}]}`, "sections"],
  [`{"V9":{"typespace":{"types":[]}}}`, "tables"],
])("refused, with the place: %s", (text, words) => {
  expect(() => descriptionFromJson(text)).toThrow(words);
});
