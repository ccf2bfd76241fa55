// Goal: `kill -9` of the front while databases are published, reset and deleted loses nothing acknowledged, takes no name
// or identity from its owner, and leaves no directory behind.
// Method: an owner changes databases without pause; the front is killed at a random moment and started again. Then each
// name has what was acknowledged or what was under way, a stranger gets none of them, an identity that is gone is never
// seen again, and the directories are those of the databases that are there.
import { testSeed } from "@lightcone/base/testing";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { Served } from "../served.ts";

const killCount = Number(process.env["LIGHTCONE_CRASHES"] ?? 4);
const seed = testSeed(1);
const names = ["shop", "market", "fair"];

let served: Served;
let program: string;
beforeAll(async () => {
  const entry = fileURLToPath(new URL("../../../modules/typescript/ledger/src/index.ts", import.meta.url));
  ({ code: program } = await bundleModule(entry));
  served = await Served.open();
});
afterAll(() => served.stop());

/** What a name may stand for: an identity with a number of rows, or nothing. */
interface Fact {
  readonly identity: string | undefined;
  readonly rowCount: number;
}

const nothing: Fact = { identity: undefined, rowCount: 0 };

class Owner {
  readonly token: string;
  readonly facts = new Map<string, Fact>(names.map((name) => [name, nothing]));
  /** Identities of databases that were deleted. */
  readonly gone = new Set<string>();
  /** What the name of the change under way will stand for, unless it is as before; identity "?" is one not seen yet. */
  underWay: { readonly name: string; readonly fact: Fact } | undefined;

  constructor(token: string) {
    this.token = token;
  }

  /** One change after another, until the server is gone. */
  async work(next: () => number): Promise<void> {
    try {
      for (;;) await this.step(names[Math.floor(next() * names.length)] ?? "shop", next());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // `fetch` has lost its server
    }
  }

  private async step(name: string, chance: number): Promise<void> {
    const before = this.facts.get(name) ?? nothing;
    const path = `/v1/database/${name}`;
    if (chance < 0.2) {
      this.underWay = undefined;
      expect((await this.ask("PUT", `${path}?host_type=Js`, "no module")).status).toBe(400);
    } else if (before.identity === undefined) {
      this.underWay = { name, fact: { identity: "?", rowCount: 0 } };
      const answer = await this.ask("PUT", `${path}?host_type=Js`, program);
      expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('"created"')]);
      const identity: string = JSON.parse(answer.body).Success.database_identity;
      expect(this.gone.has(identity)).toBe(false);
      this.facts.set(name, { identity, rowCount: 0 });
    } else if (chance < 0.4) {
      this.underWay = { name, fact: nothing };
      expect((await this.ask("DELETE", path)).status).toBe(200);
      this.gone.add(before.identity);
      this.facts.set(name, nothing);
    } else if (chance < 0.6) {
      this.underWay = { name, fact: { ...before, rowCount: 0 } };
      expect((await this.ask("PUT", `${path}?host_type=Js&clear=true`, program)).status).toBe(200);
      this.facts.set(name, { ...before, rowCount: 0 });
    } else {
      const fact = { ...before, rowCount: before.rowCount + 1 };
      this.underWay = { name, fact };
      expect((await this.ask("POST", `${path}/call/record`, `[1,${before.rowCount}]`)).status).toBe(200);
      this.facts.set(name, fact);
    }
  }

  async ask(method: string, path: string, body?: string): Promise<{ status: number; body: string }> {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const answer = await fetch(`${served.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: answer.status, body: await answer.text() };
  }

  /** What a name stands for now. */
  async look(name: string): Promise<Fact> {
    const found = await this.ask("GET", `/v1/database/${name}/identity`);
    if (found.status === 404) return nothing;
    const rows = await this.ask("POST", `/v1/database/${name}/sql`, "SELECT number FROM entry");
    expect([rows.status, rows.body]).toEqual([200, expect.any(String)]);
    return { identity: found.body, rowCount: JSON.parse(rows.body)[0].rows.length };
  }

  /** Compares what the server has with what it may have, and takes it over. */
  async verify(): Promise<void> {
    for (const [name, before] of this.facts) {
      const now = await this.look(name);
      const { underWay } = this;
      const isNew = underWay?.name === name && underWay.fact.identity === "?" && now.identity !== undefined;
      const allowed = [before];
      if (underWay?.name === name) allowed.push(isNew ? { ...underWay.fact, identity: now.identity } : underWay.fact);
      expect(allowed, name).toContainEqual(now);
      expect(this.gone.has(now.identity ?? ""), `${name} has an identity that is gone`).toBe(false);
      if (before.identity !== undefined && now.identity === undefined) this.gone.add(before.identity);
      this.facts.set(name, now);
    }
    this.underWay = undefined;
    for (const identity of this.gone)
      expect((await this.ask("PUT", `/v1/database/${identity}?host_type=Js`, program)).status).toBe(404);
  }
}

test(
  `rows 7, 16, 33: ${killCount} kills while databases come and go`,
  { timeout: 60_000 + killCount * 60_000 },
  async () => {
    const delays = fc.sample(fc.integer({ min: 50, max: 2500 }), { numRuns: killCount, seed });
    const chances = fc.sample(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { numRuns: 997, seed });
    let at = 0;
    const next = (): number => chances[at++ % chances.length] ?? 0;
    const owner = new Owner(served.token);
    const stranger = new Owner(JSON.parse(await (await served.request("POST", "/v1/identity")).text()).token);
    const published = new Set<string>();
    for (const delayMs of delays) {
      const work = owner.work(next);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await served.killFront();
      await work;
      await served.start();
      await owner.verify();
      for (const [name, { identity }] of owner.facts) {
        if (identity !== undefined) published.add(name);
        if (!published.has(name)) continue;
        const taken = await stranger.ask("PUT", `/v1/database/${name}?host_type=Js`, program);
        expect(taken.status, `a stranger publishes to ${name} (seed ${seed})`).toBe(identity === undefined ? 401 : 403);
      }
      const databases = [...owner.facts.values()].flatMap(({ identity }) => identity ?? []).toSorted();
      await expect.poll(directories).toEqual(databases);
    }
  },
);

/** The identity above each directory of a database. */
async function directories(): Promise<readonly string[]> {
  const above = join(served.dataDirectory, "databases");
  const found: string[] = [];
  for (const identity of await readdir(above).catch(() => [])) {
    const numbers = await readdir(join(above, identity)).catch(() => []);
    found.push(...(numbers.length === 0 ? [`${identity} is empty`] : numbers.map(() => identity)));
  }
  return found.toSorted();
}
