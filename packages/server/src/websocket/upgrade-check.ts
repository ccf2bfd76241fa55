/**
 * Whether a request for `/v1/database/:db/subscribe` may become a WebSocket. The order of the checks is what
 * clients have come to expect: path and query · upgrade headers · connection id · name · subprotocol · identity.
 * Credentials were looked at before.
 */
import type { Compression, WireProtocol } from "@lightcone/database/front";
import { fromHex } from "@lightcone/sats";
import { readBoolean, readVariant } from "../http/query.ts";
import { readDatabasePath, resolveIdentity } from "../http/resolve.ts";
import { fail, fromError } from "../http/responses.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import type { Services } from "../services.ts";

export interface UpgradeRequest {
  /** The path's `:db`, percent-decoded. */
  readonly segment: string;
  readonly query: URLSearchParams;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** Whether `Connection: upgrade` and `Upgrade: websocket` are there. */
  readonly isUpgrade: boolean;
}

export interface UpgradeAccepted {
  readonly kind: "accepted";
  readonly record: DatabaseRecord;
  readonly key: string;
  readonly subprotocol: string;
  readonly protocol: WireProtocol;
  readonly compression: Compression;
  readonly light: boolean;
  readonly confirmed: boolean;
  /** Whether the client takes what reducers give. */
  readonly results: boolean;
  /** 16 bytes, little-endian, if the client chose it. */
  readonly connectionId: Uint8Array | undefined;
}

export type UpgradeCheck = UpgradeAccepted | { readonly kind: "refused"; readonly response: Response };

/** What the server speaks, in its order of preference: the client's order does not count. */
const subprotocols: readonly { readonly name: string; readonly protocol: WireProtocol }[] = [
  { name: "v1.bsatn.lightcone", protocol: "v1.bsatn.lightcone" },
  { name: "v3.bsatn.spacetimedb", protocol: "v3.bsatn" },
  { name: "v2.bsatn.spacetimedb", protocol: "v2.bsatn" },
  { name: "v1.bsatn.spacetimedb", protocol: "v1.bsatn" },
  { name: "v1.json.spacetimedb", protocol: "v1.json" },
];

const compressions = { None: "none", Gzip: "gzip", Brotli: "brotli" } as const;

export function checkUpgrade(services: Services, request: UpgradeRequest): UpgradeCheck {
  try {
    return check(services, request);
  } catch (error) {
    return { kind: "refused", response: fromError(error) };
  }
}

/** The answer to a request that cannot have been accepted. */
export function fromUpgradeRefusal(checked: UpgradeCheck): Response {
  return checked.kind === "refused" ? checked.response : fromError(new Error("an upgrade was accepted without one"));
}

function check(services: Services, request: UpgradeRequest): UpgradeCheck {
  const { query, header } = request;
  const path = readDatabasePath(request.segment);
  const compression = compressions[readVariant(query, "compression", ["None", "Brotli", "Gzip"]) ?? "Brotli"];
  const light = readBoolean(query, "light") ?? false;
  const confirmed = readBoolean(query, "confirmed") ?? true;
  const results = readBoolean(query, "results") ?? false;
  const connectionId = readConnectionId(query.get("connection_id"));

  if (!request.isUpgrade) {
    const response = fail(426, "this address takes WebSocket connections only").response;
    response.headers.set("connection", "upgrade");
    response.headers.set("upgrade", "websocket");
    return { kind: "refused", response };
  }
  if (header("sec-websocket-version") !== "13") throw fail(400, "`Sec-WebSocket-Version` header must be 13");
  const key = header("sec-websocket-key") ?? "";
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw fail(400, "`Sec-WebSocket-Key` header is missing or malformed");
  if (connectionId?.every((byte) => byte === 0) === true) {
    throw fail(400, "Invalid connection ID: the all-zeros ConnectionId is reserved.");
  }
  const identity = resolveIdentity(services.registry, path);
  const offered = (header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  const chosen = subprotocols.find(({ name }) => offered.includes(name));
  if (chosen === undefined) throw fail(400, "no valid protocol selected");
  const record = services.registry.get(identity.hex);
  if (record === undefined) throw fail(404, "No such database.");
  return {
    kind: "accepted",
    record,
    key,
    subprotocol: chosen.name,
    protocol: chosen.protocol,
    compression,
    light,
    confirmed,
    results,
    connectionId,
  };
}

function readConnectionId(text: string | null): Uint8Array | undefined {
  if (text === null) return undefined;
  if (!/^[0-9a-fA-F]{32}$/.test(text)) {
    throw fail(400, "Failed to deserialize query string: connection_id: expected 32 hex digits");
  }
  return fromHex(text).toReversed();
}
