/** What to write instead of a global that the platform has elsewhere. */

const timers =
  "there are no timers inside a database: insert a row into a scheduled table, whose function then runs at its time; a procedure has ctx.sleep";
const network =
  "a reducer cannot reach the network: let a client pass what it fetched, or a procedure, which has ctx.http.fetch";
const node = "there is no Node inside a database";

const hints: Readonly<Record<string, string>> = {
  setTimeout: timers,
  setInterval: timers,
  setImmediate: timers,
  fetch: network,
  XMLHttpRequest: network,
  WebSocket: network,
  EventSource: network,
  Request: network,
  Response: network,
  Headers: network,
  process: `${node}: constants go into the code, settings into a table`,
  Buffer: `${node}: use Uint8Array with TextEncoder, atob or btoa`,
  __dirname: node,
  __filename: node,
  crypto: "a module has no chance of its own: use ctx.random; hashes come from a package that is bundled",
  performance: "a module has no clock of its own: use ctx.timestamp, or console.time for the log",
  WebAssembly: "a TypeScript module runs no WebAssembly: publish it as a module of its own",
  SharedArrayBuffer: "a module has one thread: use ArrayBuffer",
  Atomics: "a module has one thread, so that nothing needs them",
  WeakRef: "when memory is freed differs from run to run: use WeakMap",
  FinalizationRegistry: "when memory is freed differs from run to run: use WeakMap",
  Temporal: "use Date or ctx.timestamp",
  Worker: "a module has one thread",
  localStorage: "what is to be kept goes into a table",
  sessionStorage: "what is to be kept goes into a table",
  document: "a module runs in the database, not in a page",
  window: "a module runs in the database, not in a page: use globalThis",
};

/** What is read of a global that is missing, where the message does not name it. */
const members: Readonly<Record<string, readonly string[]>> = {
  process: ["env", "argv", "cwd", "nextTick", "hrtime", "platform", "exit"],
  Buffer: ["from", "alloc", "concat", "isBuffer"],
  crypto: ["randomUUID", "getRandomValues", "subtle", "createHash"],
  performance: ["now", "timeOrigin"],
  localStorage: ["getItem", "setItem", "removeItem"],
  document: ["querySelector", "getElementById", "createElement"],
};
const owners = new Map(
  Object.entries(members).flatMap(([name, list]) => list.map((member) => [member, name] as const)),
);

const missing = /^(?:globalThis\.)?(\w+) is not (?:defined|a function|a constructor)$/;
const read = /^Cannot read properties of undefined \(reading '(\w+)'\)$/;

/** A message about a global that is missing, with what to write instead; any other as it is. */
export function withHint(message: string): string {
  const name = missing.exec(message)?.[1];
  if (name !== undefined && Object.hasOwn(hints, name)) return `${message} (${hints[name]})`;
  const member = read.exec(message)?.[1] ?? "";
  const owner = owners.get(member);
  return owner === undefined ? message : `${message} (if ${owner}.${member} is meant: ${hints[owner]})`;
}
