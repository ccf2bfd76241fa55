/** Who may import whom: packages, and the parts within one. Imports point down only. `scripts/tidy.ts` checks it. */

const below2 = ["base", "sats"];
const below3 = [...below2, "schema"];
const below4 = [...below3, "engine", "sql", "commitlog", "host"];
const below5 = [...below4, "protocol", "query", "host-wasm", "host-js"];
const below6 = [...below5, "database"];

/** Package → the packages of this repository that it may import. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  sats: ["base"],
  schema: below2,
  protocol: below2,
  engine: below3,
  sql: below3,
  commitlog: ["base"],
  host: below3,
  query: [...below3, "engine", "sql"],
  "host-wasm": [...below3, "host"],
  "host-js": [...below3, "host"],
  database: below5,
  server: below6,
  module: below3,
  client: [...below2, "protocol", "module"],
  live: ["client"],
  react: ["client", "live"],
  codegen: below3,
  cli: [...below6, "server", "codegen", "client"],
  testing: [...below6, "module"],
  lightcone: ["module", "client", "live", "react", "cli", "testing"],
};

/**
 * Package → the parts of its `src`, from low to high: folders, folders in folders, and files that stand in none. A file
 * imports its own part and those before it; its tests may import any. A package is checked once it is in this table.
 */
export const parts: Readonly<Record<string, readonly string[]>> = {
  engine: [
    "api-tables.ts",
    "commit.ts",
    "api.ts",
    "storage",
    "indexes",
    "table",
    "transaction",
    "log",
    "catalog",
    "snapshot",
    "store.ts",
    "open-store.ts",
    "check-store.ts",
    "index.ts",
    "testing",
  ],
  query: ["code", "plan", "evaluate", "live", "index.ts", "testing"],
  database: [
    "link",
    "module-log",
    "views",
    "access",
    "core",
    "recovery",
    "calls",
    "subscriptions",
    "wire",
    "wire/v1",
    "schedule",
    "publish",
    "session",
    "http",
    "rerun",
    "recover.ts",
    "database.ts",
    "in-memory",
    "front.ts",
    "index.ts",
    "testing",
  ],
};

/**
 * Private members are `private x`: docs/decisions/0101. Here they are `#x`: in files with the code of classes whose objects
 * modules can hold, where it is a barrier, and in the client and what shows its rows, which are built into pages and smaller so.
 */
export const privateByHash: readonly string[] = [
  "packages/host-js/src/table-handle.ts",
  "packages/host-js/src/web-globals.ts",
  "packages/host-js/src/procedure-http.ts",
  "packages/client/src/",
  "packages/live/src/",
];

/** Private folders that may import every package. */
export const everywhere: readonly string[] = ["conformance", "bench", "scripts", "examples", "modules", "site"];

/** The packages that may use a part of the platform that answers differently each time. */
export const platform: readonly {
  readonly pattern: RegExp;
  readonly what: string;
  readonly allowed: readonly RegExp[];
}[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/,
    what: "the clock or chance",
    allowed: [
      /^packages\/base\/src\/real-/,
      // `Timestamp.now` is there for clients; a module's realm takes it away.
      /^packages\/sats\/src\/values\/timestamp/,
      /^packages\/cli\//,
      /^packages\/client\/src\/real-/,
      /^bench\//,
      /^conformance\//,
      /\.test\.ts$/,
    ],
  },
  {
    pattern: /from "node:fs(\/promises)?"/,
    what: "the file system",
    allowed: [
      /^packages\/base\/src\/real-/,
      /^packages\/cli\//,
      /^packages\/server\/src\/(process|pages)\//,
      /^packages\/testing\/src\/real-/,
      /^bench\//,
      /^conformance\//,
      /^scripts\//,
      /\.test\.ts$/,
    ],
  },
  {
    pattern: /from "node:(net|http|https|tls|dgram)"/,
    what: "sockets",
    allowed: [/^packages\/(server|client|cli)\//, /^bench\//, /^conformance\//, /\.test\.ts$/],
  },
];
