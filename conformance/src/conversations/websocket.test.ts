// Goal: a client of the reference server hears from ours, message by message, what it heard there.
// Method: play the recorded clients; compare each connection's messages in order, with what changes from run to
// run masked. What is not compared stands in `differences.ts`, by name and with its reason.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { officialBundle, officialLines } from "../official-bundles/official.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";
import { differences, entryFor, type Difference } from "./differences.ts";
import { readRecording, type Exchange, type Part, type Step } from "./recording.ts";
import { Replay } from "./replay.ts";

/** Under a row-level rule: an entry without rows would say that there are some which the caller may not see. */
const tablesUnderRules = new Set(["note"]);
const recordings = ["v1.bsatn", "v1.json", "v2.bsatn", "v3.bsatn"] as const;
const lines = { "harbor-1.12": 1, "harbor-2.10": 2 } as const;
const protocols = { 1: "v1.bsatn", 2: "v3.bsatn" } as const;
/** Exchanges in which the official package itself differs between languages. */
const differentInBundles: Readonly<Record<1 | 2, Readonly<Record<string, string>>>> = {
  1: {},
  2: {
    "procedure returning the err arm": "the package writes the value of `err` as one of `ok`",
    "compatible update: connections stay":
      "the program of the update is one in Rust, where names in the code are others",
  },
};
const modules = { "harbor-1.12": "harbor", "harbor-2.10": "harbor2" } as const;

for (const recording of recordings) {
  for (const part of readRecording(recording)) {
    const path = rustModule(modules[part.module as keyof typeof modules]);
    describe.skipIf(path === undefined)(`${recording}, ${part.module}`, () =>
      replayed(recording, part, async () => ({ bytes: new Uint8Array(await readFile(path ?? "")), hostType: "Wasm" })),
    );
    const line = lines[part.module as keyof typeof lines];
    // How messages are written does not depend on what the module is made of: one protocol for each line.
    if (recording !== protocols[line]) continue;
    describe.skipIf(!officialLines.includes(line))(
      `row 9: ${recording}, ${part.module} as a bundle of the official package`,
      () => replayed(recording, part, () => harborBundle(line), differentInBundles[line]),
    );
  }
}

async function harborBundle(line: 1 | 2): Promise<Program> {
  return { bytes: new TextEncoder().encode(await officialBundle("harbor", line)), hostType: "Js" };
}

interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hostType: "Js" | "Wasm";
}

function replayed(
  recording: string,
  part: Part,
  load: () => Promise<Program>,
  left: Readonly<Record<string, string>> = {},
): void {
  let served: Served;
  let replay: Replay;
  beforeAll(async () => {
    served = await Served.open();
    const { bytes, hostType } = await load();
    await served.publish("harbor", bytes, hostType);
    replay = new Replay(served, await namesOf(served), {
      tablesUnderRules,
      http: (step) => (step.request?.startsWith("PUT ") === true ? update(served, part, step) : ask(served, step)),
      protocol: recording,
    });
  });
  afterAll(async () => {
    replay.end();
    await served.stop();
  });

  for (const exchange of part.exchanges) {
    const difference = entryFor(differences, recording, exchange.name);
    test(exchange.name, async () => {
      if (left[exchange.name] !== undefined) {
        expect(await replay.play(exchange), "the entry is not needed").not.toEqual([]);
        return;
      }
      const problems = difference === undefined ? await replay.play(exchange) : [];
      if (difference !== undefined) await playedDifferently(exchange, difference);
      expect(problems).toEqual([]);
    });
  }

  async function playedDifferently(exchange: Exchange, difference: Difference): Promise<void> {
    if (difference.what === "outcome") {
      expect(await replay.act(exchange.act)).toEqual([]);
      await replay.drain();
    } else {
      const problems = await replay.play(exchange);
      expect(problems, "the entry in `differences.ts` is not needed").not.toEqual([]);
      for (const problem of problems) expect(problem).toMatch(expectedProblems[difference.what]);
    }
    for (const { reducer, args } of difference.then ?? []) {
      const response = await served.call("harbor", reducer, args);
      expect(response.status).toBe(200);
      await replay.drain();
    }
  }

  test("nothing was said that the recording does not have", async () => {
    expect(await replay.leftOver()).toEqual([]);
  });
}

const expectedProblems = {
  text: /^\w+ #1: expected .*"?SubscriptionError"?.*\n {2}heard .*"?SubscriptionError"?/,
  reason: /^\w+ #1: expected Close (\d{4}) .* heard Close \1 /,
  close: /^\w+ #\d+: expected a dropped socket, heard Close 4\d{3} /,
  status: /^HTTP answered/,
};

/** Who acts in the recording, as of this run. */
async function namesOf(served: Served): Promise<Map<string, string>> {
  const post = async (path: string, token?: string): Promise<Record<string, string>> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return JSON.parse(await (await fetch(`${served.url}${path}`, { method: "POST", headers })).text());
  };
  const b = await post("/v1/identity");
  const short = await post("/v1/identity/websocket-token", b["token"]);
  const info = JSON.parse(await (await served.request("GET", "/v1/database/harbor")).text());
  return new Map([
    ["identity.B", b["identity"] ?? ""],
    ["token.B", b["token"] ?? ""],
    ["token.B.short", short["token"] ?? ""],
    ["token.bad", "x.y.z"],
    ["identity.database", info.database_identity.__identity__.slice(2)],
    ["identity.owner", info.owner_identity.__identity__.slice(2)],
  ]);
}

function ask(served: Served, step: { readonly request?: string; readonly body?: string }): Promise<Response> {
  const [method = "", path = ""] = (step.request ?? "").split(" ");
  return fetch(`${served.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${served.token}`, "content-type": "application/json" },
    ...(step.body === undefined ? {} : { body: step.body }),
  });
}

/** Publishes a changed program: one with a table more, and, where it breaks clients, one with a column more. */
async function update(served: Served, { module }: Part, { request = "" }: Step): Promise<Response> {
  const breaks = request.includes("policy=BreakClients");
  const program = await readFile(rustModule(`${modules[module as keyof typeof modules]}${breaks ? "c" : "b"}`) ?? "");
  const plan = await served.request("POST", "/v1/database/harbor/pre_publish", program);
  const { AutoMigrate } = JSON.parse(await plan.text()) as { AutoMigrate: { token: string } };
  const [, path = ""] = request.replace("{{migration_token}}", AutoMigrate.token).split(" ");
  return served.request("PUT", path, program);
}

test("every entry of the list names an exchange of a recording", () => {
  const names = new Set(
    [...recordings, "http" as const].flatMap((recording) =>
      readRecording(recording).flatMap(({ exchanges }) => exchanges.map(({ name }) => name)),
    ),
  );
  expect(differences.filter(({ name }) => !names.has(name))).toEqual([]);
});
