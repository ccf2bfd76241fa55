/**
 * What `console` writes for values: as Node's does, but none of the value's own inspectors is called, since it would be
 * handed the host's functions. Identities, times and their like are texts wherever they stand.
 */
import { inspect, types } from "node:util";
import { ConnectionId, Identity, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";

const valueClasses = [Identity, ConnectionId, Timestamp, TimeDuration, Uuid];
/** As deep as values are looked into. */
const depthMax = 4;

/** The text of a line. A first text with `%s`, `%d`, `%i`, `%f`, `%j`, `%o`, `%O`, `%c` takes the values behind it. */
export function lineText(values: readonly unknown[]): string {
  const [first, ...rest] = values;
  if (typeof first !== "string" || rest.length === 0) return values.map(valueText).join(" ");
  let used = 0;
  const text = first.replaceAll(/%([sdifjoOc%])/g, (whole, kind: string) => {
    if (kind === "%") return "%";
    if (used >= rest.length) return whole;
    const value = rest[used];
    used += 1;
    return kind === "c" ? "" : "dif".includes(kind) ? numberText(kind, value) : valueText(value);
  });
  return [text, ...rest.slice(used).map(valueText)].join(" ");
}

function numberText(kind: string, value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  const number = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  return String(kind === "i" ? Math.trunc(number) : number);
}

function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (isValue(value)) return String(value);
  const stands = new StandIns();
  const shown = inspect(stands.put(value, depthMax), { customInspect: false, depth: depthMax, breakLength: 120 });
  return stands.taken(shown);
}

function isValue(value: unknown): value is InstanceType<(typeof valueClasses)[number]> {
  return valueClasses.some((one) => value instanceof one);
}

/** Members of one thing, and things in all, that are looked at: what is larger is shown as it is. */
const membersMax = 100;
const copiesMax = 2000;

/** Marks that stand for values in a copy of what holds them, as long as the texts that come in their places. */
class StandIns {
  private readonly texts: string[] = [];
  private readonly copies = new Map<object, object>();

  /** The value, or a copy of it with marks in it. Nothing of the value's own is called. */
  put(value: unknown, depth: number): unknown {
    if (typeof value !== "object" || value === null || types.isProxy(value)) return value;
    if (isValue(value)) return this.mark(String(value));
    const known = this.copies.get(value);
    if (known !== undefined || depth < 0 || this.copies.size >= copiesMax) return known ?? value;
    const copy = emptyLike(value);
    if (copy === undefined) return value;
    this.copies.set(value, copy);
    const put = (each: unknown): unknown => this.put(each, depth - 1);
    if (types.isMap(value))
      Map.prototype.forEach.call(value, (each, key) => void (copy as Map<unknown, unknown>).set(put(key), put(each)));
    else if (types.isSet(value))
      Set.prototype.forEach.call(value, (each) => void (copy as Set<unknown>).add(put(each)));
    else
      for (const key of Reflect.ownKeys(value)) {
        const property = Reflect.getOwnPropertyDescriptor(value, key);
        if (property !== undefined && (key !== "length" || !Array.isArray(value)))
          Reflect.defineProperty(
            copy,
            key,
            "value" in property ? { ...property, value: put(property.value) } : property,
          );
      }
    return copy;
  }

  taken(text: string): string {
    return text.replaceAll(/'\ue000(\d+)\ue000+'/g, (whole, at: string) => this.texts[Number(at)] ?? whole);
  }

  private mark(text: string): string {
    const mark = `\ue000${this.texts.length}\ue000`;
    this.texts.push(text);
    // Lines are broken by length: two of it are the quotes.
    return mark.padEnd(text.length - 2, "\ue000");
  }
}

const sizeOf = (kind: object): ((this: object) => unknown) =>
  Reflect.getOwnPropertyDescriptor(kind, "size")?.get ?? (() => Infinity);
const mapSize = sizeOf(Map.prototype);
const setSize = sizeOf(Set.prototype);

/** What a copy begins with; undefined for what is not copied. */
function emptyLike(value: object): object | undefined {
  if (types.isMap(value)) return Number(mapSize.call(value)) <= membersMax ? new Map() : undefined;
  if (types.isSet(value)) return Number(setSize.call(value)) <= membersMax ? new Set() : undefined;
  if (Array.isArray(value)) return value.length <= membersMax ? [] : undefined;
  const above: unknown = Reflect.getPrototypeOf(value);
  const isPlain = above === null || (typeof above === "object" && Reflect.getPrototypeOf(above) === null);
  if (!isPlain || Reflect.ownKeys(value).length > membersMax) return undefined;
  return Object.create(above) as object;
}
