// Goal: names convert as the naming rules say, so that a module's tables get the names its clients know.
// Method: a row per example of the specification, plus the corners around separators and accents.
import { describe, expect, test } from "vitest";
import {
  constraintName,
  identifierProblem,
  indexName,
  lowerCamelCase,
  pascalCase,
  scheduleName,
  sequenceName,
  snakeCase,
} from "./naming.ts";

describe("case conversion", () => {
  test.each([
    { name: "player1", snake: "player_1", camel: "player1", pascal: "Player1" },
    { name: "HTTPServer", snake: "http_server", camel: "httpServer", pascal: "HttpServer" },
    { name: "vec2D", snake: "vec_2_d", camel: "vec2D", pascal: "Vec2D" },
    { name: "_hidden", snake: "hidden", camel: "hidden", pascal: "Hidden" },
    { name: "userID", snake: "user_id", camel: "userId", pascal: "UserId" },
    { name: "a__b", snake: "a_b", camel: "aB", pascal: "AB" },
    { name: "x2y", snake: "x_2_y", camel: "x2Y", pascal: "X2Y" },
    { name: "iOS", snake: "i_os", camel: "iOs", pascal: "IOs" },
    { name: "Player1Id", snake: "player_1_id", camel: "player1Id", pascal: "Player1Id" },
    { name: "send_message", snake: "send_message", camel: "sendMessage", pascal: "SendMessage" },
    { name: "kebab-case name", snake: "kebab_case_name", camel: "kebabCaseName", pascal: "KebabCaseName" },
    { name: "__", snake: "", camel: "", pascal: "" },
    { name: "", snake: "", camel: "", pascal: "" },
    { name: "éTéÀ", snake: "é_té_à", camel: "éTéÀ", pascal: "ÉTéÀ" },
    { name: "e\u0301A", snake: "e\u0301_a", camel: "e\u0301A", pascal: "E\u0301A" },
    { name: "表2", snake: "表2", camel: "表2", pascal: "表2" },
  ])("$name", ({ name, snake, camel, pascal }) => {
    expect(snakeCase(name)).toBe(snake);
    expect(lowerCamelCase(name)).toBe(camel);
    expect(pascalCase(name)).toBe(pascal);
  });
});

describe("identifiers", () => {
  test.each(["a", "_", "_1", "snake_case", "étage", "表", "select"])("%s is one", (name) => {
    expect(identifierProblem(name)).toBeUndefined();
  });
  test.each(["", "1a", "a b", "a-b", "a.b", "e\u0301", "a\n", "😀"])("%j is none", (name) => {
    expect(identifierProblem(name)).toBeTypeOf("string");
  });
});

test("generated names list the columns in order", () => {
  expect(indexName("boat", ["dock", "slot"], "btree")).toBe("boat_dock_slot_idx_btree");
  expect(constraintName("boat", ["id"])).toBe("boat_id_key");
  expect(sequenceName("boat", "id")).toBe("boat_id_seq");
  expect(scheduleName("patrol")).toBe("patrol_sched");
});
