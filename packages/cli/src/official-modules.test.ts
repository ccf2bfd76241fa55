// Goal: issue 9, official TypeScript bundles: a project of the official package is built and published by the command as it is, and so
// is a bundle that somebody else has made.
// Method: a real server and the command as a process, in a project that has the package installed.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository } from "./testing/command.ts";

const place = new Place();
const packages = { 2: "spacetimedb-2" } as const;
// How 1.12 is bundled, `build/bundle.test.ts` says: here a line is enough, and commands take long.
const lines = ([2] as const).filter((line) => existsSync(join(repository, "node_modules", packages[line])));

beforeAll(async () => {
  const words = ["start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn"];
  place.env["LIGHTCONE_SERVER"] = (await place.start(...words).saying(/listening on (http:\S+)/))[1] ?? "";
});
afterAll(() => place.close());

describe.each(lines)("row 9: a project of the official package, line %i", (line) => {
  const project = place.path(`project-${line}`);
  const database = `chat-${line}`;
  const run = async (...words: readonly string[]): Promise<string> => {
    const { code, out, err } = await place.run(...words);
    expect({ words, code, out, err }).toMatchObject({ code: 0 });
    return out;
  };

  test("is published from its folder; so is its bundle; bindings are generated of it", async () => {
    mkdirSync(join(project, "src"), { recursive: true });
    mkdirSync(join(project, "node_modules"));
    symlinkSync(join(repository, "node_modules", packages[line]), join(project, "node_modules/spacetimedb"));
    cpSync(join(repository, `modules/official/chat-${line}.ts`), join(project, "src/index.ts"));
    await run("publish", database, "--module-path", project, "-y");
    const bundle = join(project, "dist/bundle.js");
    expect(readFileSync(bundle, "utf8")).toContain(`from "spacetime:sys@${line}.0"`);
    await run("publish", `${database}-file`, "--js-path", bundle, "-y");
    const refused = await place.run("call", database, "send_message", '""');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("Messages must not be empty");
    expect(await run("logs", `${database}-file`)).toContain("the room is open");
    const out = place.path(`bindings-${line}`);
    await run("generate", "--lang", "typescript", "--module-path", project, "--out-dir", out);
    expect(readFileSync(join(out, "send_message_reducer.ts"), "utf8")).toContain("text:");
  });

  test("issue 9: libraries in it are described, called, queried and told of by their names", async () => {
    const club = place.path(`club-${line}`);
    mkdirSync(join(club, "node_modules"), { recursive: true });
    symlinkSync(join(repository, "node_modules", packages[line]), join(club, "node_modules/spacetimedb"));
    cpSync(join(repository, `modules/official/club-${line}`), join(club, "src"), { recursive: true });
    await run("publish", `club-${line}`, "--module-path", club, "-y");
    const described = await run("describe", `club-${line}`);
    expect(described).toContain("table chat.chat_line: chat.ChatLine (public; chat.chatLine in the module)");
    expect(described).toContain("each row runs backRoom.remind_now at its scheduled_at");
    expect(described).toMatch(
      /reducer backRoom\.remind_now\(due: backRoom\.Reminder\).*run by rows of backRoom\.reminder/,
    );
    expect(described).toMatch(/mood:\s+chat\.Mood\n/);
    expect(described).toContain("procedure chat.count_lines() -> U64");
    expect(described).toContain("rule SELECT * FROM secret WHERE owner = :sender (in backRoom)");
    expect(await run("describe", `club-${line}`, "table", "chat.audit.entry_made")).toContain("what:");
    await run("call", `club-${line}`, "chat.send_line", "hall", "from the command");
    expect(await run("sql", `club-${line}`, "SELECT text FROM chat.chat_line")).toContain("from the command");
    const refused = await place.run("call", `club-${line}`, "chat.send_lin", "hall", "x");
    expect(refused.err).toContain("chat.send_line");
    const out = place.path(`club-bindings-${line}`);
    await run("generate", "--lang", "typescript", "--module-path", club, "--out-dir", out);
    expect(readFileSync(join(out, "index.ts"), "utf8")).toContain(`chatLine: queries["chat.chatLine"]`);
    const rust = place.path(`club-rust-${line}`);
    await run("generate", "--lang", "rust", "--module-path", club, "--out-dir", rust);
    expect(readFileSync(join(rust, "chat_chat_line_table.rs"), "utf8")).toContain(`"chat.chat_line"`);
  });

  test("issue 9: its spacetime.json says which database, module and bindings are meant", async () => {
    const within = async (...words: readonly string[]): Promise<string> => {
      const { code, out, err } = await place.open(process.execPath, [bin, ...words], { cwd: join(project, "src") })
        .ended;
      expect({ words, code, out, err }).toMatchObject({ code: 0 });
      return out;
    };
    const bindings = join(project, "client", "bindings");
    writeFileSync(
      join(project, "spacetime.json"),
      `// JSON5
{ database: 'nobody', "module-path": "./", /* of the client */ generate: [{ language: "typescript", "out-dir": "client/bindings" },], }`,
    );
    writeFileSync(join(project, "spacetime.local.json"), JSON.stringify({ database: `named-${line}` }));
    expect(await within("publish", "-y")).toContain(`named-${line}`);
    await within("call", "send_message", "hello");
    expect(await within("sql", "SELECT text FROM message")).toContain("hello");
    expect(await within("logs")).toContain("the room is open");
    await within("generate");
    expect(readFileSync(join(bindings, "send_message_reducer.ts"), "utf8")).toContain("text:");
    writeFileSync(join(project, "spacetime.local.json"), JSON.stringify({ generate: "all" }));
    const refused = await place.open(process.execPath, [bin, "generate"], { cwd: project }).ended;
    expect(refused).toMatchObject({
      code: 2,
      err: expect.stringContaining(`"generate" is a list of objects`) as string,
    });
  });
});
