/**
 * Rows that a server has shown, as a text for the page that goes on from them.
 *
 * JSON, since a page reads it before it knows the schema. What JSON lacks is an object with a `$`: `{"$":"n","v":"5"}` is
 * a bigint, `{"$":"i","v":"199…"}` an identity.
 */
import { ConnectionId, Identity, LightconeError, TimeDuration, Timestamp, Uuid } from "@lightcone/client";
import { liveQueries, type AnyClient } from "./live-queries.ts";

/** Values that are one number in a class. */
const classes = {
  i: [Identity, "__identity__"],
  c: [ConnectionId, "__connection_id__"],
  t: [Timestamp, "__timestamp_micros_since_unix_epoch__"],
  d: [TimeDuration, "__time_duration_micros__"],
  u: [Uuid, "__uuid__"],
} as const;

/**
 * The rows that the hooks have shown of this client's, for `hydrate` in the page. It has no `<`, so that it may stand in a
 * `<script type="application/json">` as it is.
 */
export function dehydrate(client: AnyClient): string {
  const shown = [...liveQueries(client).pinned].map(([key, { rows }]) => [key, rows.map(pack)]);
  return JSON.stringify(shown).replaceAll("<", String.raw`\u003c`);
}

/**
 * Has the client show what a server has shown, until its own rows are there. To be called before the page is rendered.
 *
 * @param text what `dehydrate` gave
 * @throws {LightconeError} `Malformed` when it is something else
 */
export function hydrate(client: AnyClient, text: string): void {
  try {
    const shown: readonly [string, readonly unknown[]][] = JSON.parse(text);
    for (const [key, rows] of shown) liveQueries(client).handed.set(key, rows.map(unpack));
  } catch (error) {
    throw new LightconeError(
      "Malformed",
      { what: "the text given to hydrate", reason: String(error) },
      { cause: error },
    );
  }
}

function pack(value: unknown): unknown {
  if (typeof value === "bigint") return { $: "n", v: String(value) };
  if (value === undefined) return { $: "-" };
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $: "f", v: Object.is(value, -0) ? "-0" : String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(pack);
  if (value instanceof Uint8Array) return { $: "b", v: [...value] };
  for (const [name, [Class, field]] of Object.entries(classes))
    if (value instanceof Class) return { $: name, v: String(Reflect.get(value, field)) };
  const packed = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, pack(part)]));
  return "$" in packed ? { $: "o", v: packed } : packed;
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== "object" || value === null) return value;
  if (!("$" in value)) return unpackParts(value);
  const { $: kind, v }: { readonly $: unknown; readonly v?: unknown } = value;
  if (kind === "o" && typeof v === "object" && v !== null) return unpackParts(v);
  if (kind === "-") return undefined;
  if (kind === "b" && Array.isArray(v)) return Uint8Array.from(v, Number);
  if (kind === "f") return Number(v);
  if (kind === "n") return BigInt(String(v));
  for (const [name, [Class]] of Object.entries(classes)) if (name === kind) return new Class(BigInt(String(v)));
  throw new TypeError(`no kind of value is called ${String(kind)}`);
}

const unpackParts = (value: object): object =>
  Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unpack(part)]));
