/** The arena on a real server, and clients of it: what the suites of this folder share. */
import { fileURLToPath } from "node:url";
import { connect, isLightconeError, type Client, type ConnectOptions, type LightconeError } from "lightcone/client";
import { bundleModule } from "@lightcone/cli/bundle";
import { Served, type ServedOptions } from "../served.ts";
import type * as arena from "./modules/arena.ts";

const programs = new Map<string, Promise<string>>();

/** The bundle of a module of this folder. */
export function program(file: string): Promise<string> {
  const known = programs.get(file);
  if (known !== undefined) return known;
  const bundled = bundleModule(fileURLToPath(new URL(`modules/${file}.ts`, import.meta.url))).then(({ code }) => code);
  programs.set(file, bundled);
  return bundled;
}

/** A page's client, with what it was told. */
export interface Page {
  readonly db: Client<typeof arena>;
  readonly errors: LightconeError[];
  /** States with their reasons, in order. */
  readonly states: string[];
  /** Resolves when a state with that text has been told. */
  readonly when: (state: RegExp) => Promise<void>;
}

export class Arena {
  readonly served: Served;
  private readonly pages: Page[] = [];

  private constructor(served: Served) {
    this.served = served;
  }

  static async open(options: ServedOptions = {}): Promise<Arena> {
    return new Arena(await Served.open(options));
  }

  /** A new database with the arena in it. */
  async publish(database: string): Promise<void> {
    await this.served.publish(database, await program("arena"), "Js");
  }

  /** Another version of the arena, as its publisher confirms it after having read the plan. */
  async publishOther(database: string, file: "arena-next" | "arena-private" | "arena-views-next"): Promise<void> {
    const next = await program(file);
    const path = `/v1/database/${database}`;
    const planned = await this.served.request("POST", `${path}/pre_publish?host_type=Js`, next);
    const plan: { AutoMigrate?: { token: string } } = JSON.parse(await planned.text());
    const token = encodeURIComponent(plan.AutoMigrate?.token ?? "");
    const query = `host_type=Js&policy=BreakClients&token=${token}`;
    const answer = await this.served.request("PUT", `${path}?${query}`, next);
    if (answer.status !== 200) throw new Error(`publish answered ${answer.status}: ${await answer.text()}`);
  }

  /** Another version of the arena, without the data that there was. */
  async publishAnew(database: string, file: "arena-columns"): Promise<void> {
    const path = `/v1/database/${database}?host_type=Js&clear=true`;
    const answer = await this.served.request("PUT", path, await program(file));
    if (answer.status !== 200) throw new Error(`publish answered ${answer.status}: ${await answer.text()}`);
  }

  connect(database: string, options: Partial<ConnectOptions> = {}): Page {
    const errors: LightconeError[] = [];
    const states: string[] = [];
    const waiting = new Set<{ readonly state: RegExp; readonly resolve: () => void }>();
    const db = connect<typeof arena>({
      uri: this.served.url,
      database,
      onError: (error) => errors.push(error),
      onState: (state, reason) => {
        const said = reason === undefined ? state : `${state}: ${reason}`;
        states.push(said);
        for (const one of waiting) if (one.state.test(said) && waiting.delete(one)) one.resolve();
      },
      ...options,
    });
    const when = (state: RegExp): Promise<void> =>
      new Promise((resolve) => {
        if (states.some((said) => state.test(said))) resolve();
        else waiting.add({ state, resolve });
      });
    const page = { db, errors, states, when };
    this.pages.push(page);
    return page;
  }

  async close(): Promise<void> {
    for (const { db } of this.pages) db.close();
    await this.served.stop();
  }
}

/** How a promise ended: `done`, or code and text of the error. */
export const endOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (isLightconeError(error) ? `${error.code}: ${error.message}` : String(error)),
  );
