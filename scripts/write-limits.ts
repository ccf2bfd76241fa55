/** Writes `docs/limits.md` from the tables in the code. `npm run ok` fails when the page is not what this writes. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { databaseLimits } from "@lightcone/database/front";
import {
  jsonDepthMax,
  typeDepthMax,
  typeNodesMax,
  valueDepthMax,
  variantsMax,
  zeroSizedElementsMax,
} from "@lightcone/sats";
import { serverLimits } from "@lightcone/server";
import { guessesMax, guessRowsMax } from "../packages/client/src/optimistic/guesses.ts";
import { heldCallsMax } from "../packages/client/src/requests.ts";
import { keptBytesMax } from "../packages/client/src/persist/persist.ts";
import { answerBytesMax } from "../packages/client/src/platform.ts";
import { schemaTypesMax } from "../packages/client/src/schema.ts";
import { snapshotReserveBytes } from "../packages/commitlog/src/snapshot-store.ts";
import { frameMessagesMax } from "../packages/database/src/link/framing.ts";
import { errorTextBytesMax } from "../packages/database/src/link/limits.ts";
import { logDaysMax } from "../packages/database/src/module-log/log-writer.ts";
import { arrayElementsMax, patternPartsMax } from "../packages/host-js/src/bounded-builtins.ts";
import { sinkBytesMax, byteSourcesMax } from "../packages/host-wasm/src/byte-streams.ts";
import { consoleTimersMax, logTextBytesMax } from "../packages/host-wasm/src/console-functions.ts";
import { rowIteratorsMax } from "../packages/host-wasm/src/row-iterators.ts";
import { submodulesMax } from "../packages/host-js/src/shape-reader.ts";
import { namespaceBytesMax } from "../packages/schema/src/check-module.ts";
import { moduleColumnsMax } from "../packages/schema/src/checking.ts";
import { moduleTypeNodesMax } from "../packages/schema/src/resolve-types.ts";
import { submoduleDepthMax } from "../packages/schema/src/raw-v10.ts";
import { claimBytesMax } from "../packages/server/src/auth/claims.ts";
import { nameCharactersMax } from "../packages/server/src/registry/database-name.ts";
import { sqlBytesMax } from "../packages/sql/src/compile.ts";
import { sourceCountMax } from "../packages/sql/src/condition.ts";
import { ruleTermsMax } from "../packages/sql/src/rules.ts";

interface Row {
  readonly value: number;
  readonly unit: string;
  readonly what: string;
  readonly outcome: string;
}

/** Bounds on what is read, the same everywhere: nobody has a reason to raise them. */
const fixed: Readonly<Record<string, Row>> = {
  typeDepthMax: { value: typeDepthMax, unit: "levels", what: "nesting of a type", outcome: "`TooDeep`: 400" },
  typeNodesMax: {
    value: typeNodesMax,
    unit: "types",
    what: "types within one type, references unfolded",
    outcome: "`Malformed`: 400",
  },
  valueDepthMax: {
    value: valueDepthMax,
    unit: "levels",
    what: "nesting of a value",
    outcome: "`TooDeep`: 400, Close 1011",
  },
  jsonDepthMax: {
    value: jsonDepthMax,
    unit: "levels",
    what: "nesting of a JSON text",
    outcome: "`TooDeep`: 400, Close 1011",
  },
  variantsMax: { value: variantsMax, unit: "variants", what: "variants of a sum", outcome: "`SchemaInvalid`: 400" },
  zeroSizedElementsMax: {
    value: zeroSizedElementsMax,
    unit: "elements",
    what: "elements of an array whose elements take no bytes",
    outcome: "`Malformed`: 400",
  },
  moduleColumnsMax: {
    value: moduleColumnsMax,
    unit: "columns",
    what: "columns of all tables of a module",
    outcome: "`SchemaInvalid`: 400",
  },
  moduleTypeNodesMax: {
    value: moduleTypeNodesMax,
    unit: "types",
    what: "types of a module, references unfolded",
    outcome: "`SchemaInvalid`: 400",
  },
  submoduleDepthMax: {
    value: submoduleDepthMax,
    unit: "levels",
    what: "modules within modules",
    outcome: "`SchemaInvalid`: 400",
  },
  submodulesMax: {
    value: submodulesMax,
    unit: "modules",
    what: "modules that one in TypeScript holds, those within them included",
    outcome: "`SchemaInvalid`: 400",
  },
  namespaceBytesMax: {
    value: namespaceBytesMax,
    unit: "bytes",
    what: "the name that a module within another goes by",
    outcome: "`SchemaInvalid`: 400",
  },
  sqlBytesMax: { value: sqlBytesMax, unit: "bytes", what: "the text of a statement", outcome: "`SqlRefused`: 400" },
  sourceCountMax: {
    value: sourceCountMax,
    unit: "tables",
    what: "tables that one statement joins",
    outcome: "`SqlRefused`: 400",
  },
  ruleTermsMax: {
    value: ruleTermsMax,
    unit: "rules",
    what: "row-level rules that read other tables in one query, those of the tables that they read included",
    outcome:
      "publishing such rules is refused with `RuleRefused`: 400; a query of several such tables with `LimitExceeded`: 429",
  },
  rowIteratorsMax: {
    value: rowIteratorsMax,
    unit: "iterators",
    what: "iterators that a call has open, of a module in WebAssembly or a bundle of the official TypeScript package",
    outcome: "a panic; in the bundle a `RangeError`",
  },
  byteSourcesMax: {
    value: byteSourcesMax,
    unit: "sources",
    what: "byte sources that a WebAssembly call has open",
    outcome: "a panic",
  },
  sinkBytesMax: {
    value: sinkBytesMax,
    unit: "bytes",
    what: "bytes that a WebAssembly call writes to its sink",
    outcome: "the write is refused with `NO_SPACE`",
  },
  consoleTimersMax: {
    value: consoleTimersMax,
    unit: "timers",
    what: "console timers that a WebAssembly instance has running",
    outcome: "a panic",
  },
  patternPartsMax: {
    value: patternPartsMax,
    unit: "parts",
    what: "parts in a row, without `|`, `*` or `+` between them, of a pattern that a TypeScript module makes of a text",
    outcome: "a `RangeError` in the module",
  },
  arrayElementsMax: {
    value: arrayElementsMax,
    unit: "elements",
    what: "elements that one `fill`, `Array.from` of a length, or `String.raw` of a TypeScript module makes",
    outcome: "a `RangeError` in the module",
  },
  logTextBytesMax: {
    value: logTextBytesMax,
    unit: "bytes",
    what: "a text that a WebAssembly call hands to its module's log",
    outcome: "the text is cut",
  },
  logDaysMax: {
    value: logDaysMax,
    unit: "days",
    what: "days of which a module's log keeps the lines",
    outcome: "the oldest day goes",
  },
  errorTextBytesMax: {
    value: errorTextBytesMax,
    unit: "bytes",
    what: "the text of an error that a client is told, a module's own for one",
    outcome: "its end is cut off, and it says so",
  },
  frameMessagesMax: {
    value: frameMessagesMax,
    unit: "messages",
    what: "messages in a frame of `v3.bsatn`",
    outcome: "Close 1013",
  },
  snapshotReserveBytes: {
    value: snapshotReserveBytes,
    unit: "bytes",
    what: "left free on the disk by a snapshot of more than 4 MiB",
    outcome: "it is given up, and tried again when as much log has come as asks for one",
  },
  nameCharactersMax: {
    value: nameCharactersMax,
    unit: "characters",
    what: "the name of a database",
    outcome: "400",
  },
  claimBytesMax: {
    value: claimBytesMax,
    unit: "bytes",
    what: "issuer and subject of a token, each",
    outcome: "401",
  },
  keptBytesMax: {
    value: keptBytesMax,
    unit: "bytes",
    what: "rows that `persist` keeps for the next start of a client; its option `bytesMax`",
    outcome: "nothing is kept, which is said once with `console.warn`; the page works",
  },
  heldCallsMax: {
    value: heldCallsMax,
    unit: "calls",
    what: "calls of `lightcone/client` that wait for a connection",
    outcome: "`LimitExceeded` rejects the call",
  },
  guessesMax: {
    value: guessesMax,
    unit: "calls",
    what: "calls of `lightcone/client` that are guessed at once",
    outcome: "the call is made and not guessed",
  },
  guessRowsMax: {
    value: guessRowsMax,
    unit: "rows",
    what: "rows that a guess of `lightcone/client` writes",
    outcome: "the call is made and not guessed",
  },
  answerBytesMax: {
    value: answerBytesMax,
    unit: "bytes",
    what: "a schema that `lightcone/client` reads from a server",
    outcome: "`LimitExceeded` ends the client",
  },
  schemaTypesMax: {
    value: schemaTypesMax,
    unit: "types",
    what: "types within the schema that `lightcone/client` reads, references unfolded",
    outcome: "`Malformed` ends the client",
  },
};

const limits = { ...serverLimits, ...databaseLimits, ...fixed };
const tests = {
  limits: "conformance/src/limits/limits.test.ts",
  database: "conformance/src/limits/database.test.ts",
  reading: "conformance/src/limits/reading.test.ts",
  rules: "packages/sql/src/rules.test.ts",
  builtins: "packages/host-js/src/bounded-builtins.test.ts",
  hostile: "conformance/src/bad-input/hostile.test.ts",
  disk: "conformance/src/bad-input/disk.test.ts",
  snapshots: "packages/commitlog/src/snapshot-store.test.ts",
  hosts: "packages/server/src/process/hosts.test.ts",
  native: "conformance/src/crash/native.test.ts",
  stopped: "conformance/src/crash/stopped-host.test.ts",
  rest: "conformance/src/database/rest.test.ts",
  procedures: "packages/database/src/calls/procedure-call.test.ts",
  submodules: "conformance/src/typescript/submodules.test.ts",
  bundles: "conformance/src/official-bundles/procedures.test.ts",
  views: "packages/database/src/views/views.test.ts",
  liveQueries: "conformance/src/limits/live-queries.test.ts",
  atRest: "conformance/src/rest/rest.test.ts",
  many: "conformance/src/rest/many.test.ts",
  residents: "packages/server/src/awake/residents.test.ts",
  wakeQueue: "packages/server/src/awake/wake-queue.test.ts",
  sats: "packages/sats/src/limits.test.ts",
  schema: "packages/schema/src/check-module.test.ts",
  connection: "packages/server/src/websocket/connection.test.ts",
  link: "packages/server/src/process/link.test.ts",
  moduleRoutes: "conformance/src/routes/routes.test.ts",
  routes: "packages/server/src/http/routes.test.ts",
  requests: "packages/server/src/http/request-lines.test.ts",
  publish: "packages/server/src/registry/publish.test.ts",
  registry: "packages/server/src/registry/registry.test.ts",
  tokens: "packages/server/src/auth/tokens.test.ts",
  client: "packages/client/src/connect.test.ts",
  guesses: "packages/client/src/optimistic/optimistic.test.ts",
  platform: "packages/client/src/real-platform.test.ts",
  clientSchema: "packages/client/src/schema.test.ts",
  frames: "conformance/src/database/frames.test.ts",
  resume: "conformance/src/client/resume.test.ts",
  kept: "conformance/src/client/persist.test.ts",
} as const;

/** The test that trips each limit. It names the limit, which is checked. */
const trippedBy: Readonly<Record<string, keyof typeof tests>> = {
  viewTimeoutMs: "views",
  viewRowsMax: "views",
  viewReadsMax: "views",
  liveVisitsMax: "liveQueries",
  liveDeltaRowsMax: "liveQueries",
  liveQueryBytesMax: "liveQueries",
  liveStateBytesMax: "liveQueries",
  procedureTimeoutMs: "procedures",
  proceduresWaitingMax: "procedures",
  proceduresWaitingPerCallerMax: "procedures",
  procedureThreadsMax: "bundles",
  procedureWaitsMax: "procedures",
  httpRequestsMax: "procedures",
  httpTimeoutMs: "procedures",
  httpTimeoutMsMax: "procedures",
  httpRequestBytesMax: "procedures",
  httpResponseBytesMax: "procedures",
  routeResponseBytesMax: "moduleRoutes",
  routeBodyBytesMax: "moduleRoutes",
  bodyBytesMax: "limits",
  programBytesMax: "limits",
  frameBytesMax: "limits",
  connectionsMax: "limits",
  socketsMax: "requests",
  incomingBytesMax: "connection",
  tokenCharactersMax: "limits",
  databaseNamesMax: "limits",
  stopCallTimeoutMs: "limits",
  connectionQueueMax: "limits",
  connectionBufferBytesMax: "limits",
  subscriptionsPerConnectionMax: "limits",
  queryRowsMax: "limits",
  databaseBytesMax: "limits",
  outboundBytesMax: "connection",
  outboundMessagesMax: "connection",
  pingIntervalMs: "connection",
  idleTimeoutMs: "connection",
  closeTimeoutMs: "connection",
  requestTimeoutMs: "routes",
  nameCharactersMax: "routes",
  issuerFetchTimeoutMs: "tokens",
  issuerDocumentBytesMax: "tokens",
  issuerCountMax: "tokens",
  issuerFetchesMax: "tokens",
  claimBytesMax: "tokens",
  stopWithinMs: "publish",
  databasesMax: "registry",
  coOwnersMax: "registry",
  registryNamesMax: "registry",
  releasedNamesMax: "registry",
  doomedDirectoriesMax: "registry",
  hostMemoryBytesMax: "hostile",
  stoppedHostMsMax: "stopped",
  reducerTimeoutMs: "hostile",
  moduleMemoryPagesMax: "hostile",
  spareHostsMax: "hosts",
  callArgumentsBytesMax: "limits",
  functionEndsMax: "native",
  parkDueMsMin: "rest",
  parkAfterMs: "atRest",
  parkWakeTimesMin: "many",
  awakeMemoryBytesMax: "residents",
  ownerAwakeMax: "residents",
  wakeWaitMs: "wakeQueue",
  linkConnectionBytesMax: "link",
  linkBytesMax: "link",
  pendingCommitBytesMax: "database",
  snapshotReserveBytes: "snapshots",
  diskReserveBytes: "disk",
  diskHeadroomBytes: "disk",
  diskProbeMs: "disk",
  diskGraceMs: "disk",
  errorTextBytesMax: "database",
  frameMessagesMax: "frames",
  resumeBytesMax: "resume",
  logLineBytesMax: "database",
  logWaitingBytesMax: "database",
  logFileBytesMax: "database",
  logBytesMax: "database",
  logRefusalsPerMinuteMax: "database",
  logDaysMax: "database",
  typeDepthMax: "sats",
  typeNodesMax: "sats",
  valueDepthMax: "sats",
  jsonDepthMax: "sats",
  variantsMax: "sats",
  zeroSizedElementsMax: "sats",
  moduleColumnsMax: "schema",
  moduleTypeNodesMax: "reading",
  submoduleDepthMax: "reading",
  submodulesMax: "submodules",
  namespaceBytesMax: "schema",
  sqlBytesMax: "reading",
  sourceCountMax: "reading",
  ruleTermsMax: "rules",
  rowIteratorsMax: "reading",
  byteSourcesMax: "reading",
  sinkBytesMax: "reading",
  consoleTimersMax: "reading",
  patternPartsMax: "builtins",
  arrayElementsMax: "builtins",
  logTextBytesMax: "reading",
  heldCallsMax: "client",
  keptBytesMax: "kept",
  guessesMax: "guesses",
  guessRowsMax: "guesses",
  answerBytesMax: "platform",
  schemaTypesMax: "clientSchema",
};

const path = "docs/limits.md";
const page = `# Limits

Every limit has a name, a default, and something that happens when it is met. Those of the server and of databases are set by
\`lightcone start --limit NAME=VALUE\` (more than once), by \`LIGHTCONE_LIMIT=NAME=VALUE,…\`, or under \`[limits]\` in
\`<data>/config.toml\`. The last column names the test that trips it, see the end of the page. This page is written by \`scripts/write-limits.ts\`.

## The server

${tableOf(serverLimits)}

## A database

${tableOf(databaseLimits)}

## What is read

These bound what decoders take from outside and what is written beside the data, and cannot be set.

${tableOf(fixed)}

## Tests

${Object.entries(tests)
  .map(([name, file]) => `- **${name}**: \`${file}\``)
  .join("\n")}
`;

function tableOf(limits: Readonly<Record<string, Row>>): string {
  const rows = Object.entries(limits).map(
    ([name, { value, unit, what, outcome }]) =>
      `| \`${name}\` | ${shown(value, unit)} | ${what} | ${outcome} | ${trippedBy[name] ?? ""} |`,
  );
  return ["| name | default | of what | when it is met | test |", "|---|---|---|---|---|", ...rows].join("\n");
}

/** Powers of two with their unit, other counts with their thousands apart. */
function shown(value: number, unit: string): string {
  if (unit === "milliseconds") return value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`;
  const count = value.toLocaleString("en").replaceAll(",", " ");
  if (unit !== "bytes") return `${count} ${unit}`;
  const powers = ["GiB", "MiB", "KiB"] as const;
  for (const [index, name] of powers.entries()) {
    const size = 1024 ** (powers.length - index);
    if (value >= size && value % size === 0) return `${value / size} ${name}`;
  }
  return `${count} bytes`;
}

for (const name of new Set([...Object.keys(limits), ...Object.keys(trippedBy)])) {
  const test = trippedBy[name];
  const file = test === undefined || !Object.hasOwn(limits, name) ? "no test" : tests[test];
  if (existsSync(file) && new RegExp(`\\b${name}\\b`).test(readFileSync(file, "utf8"))) continue;
  process.stderr.write(`${file} does not name ${name}, which it is said to trip\n`);
  process.exit(1);
}

if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== page) {
    process.stderr.write(`${path} is not what the tables say: run node scripts/write-limits.ts\n`);
    process.exit(1);
  }
  const count = Object.keys(limits).length;
  process.stdout.write(`limits: ${count}\n`);
} else {
  writeFileSync(path, page);
}
