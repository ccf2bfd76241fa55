/** Names in generated code: identifiers that do not collide, keys that are quoted only where they must be. */
import { lowerCamelCase, pascalCase, snakeCase } from "@lightcone/schema";

const identifier = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

/** A key of an object literal. `__proto__` in quotes would still set the prototype, so it is computed. */
export function objectKey(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return identifier.test(name) ? name : JSON.stringify(name);
}

/** A name that is an identifier, whatever the case conversion left of it. */
function asIdentifier(name: string, fallback: string): string {
  const candidate = name === "" ? fallback : name;
  return identifier.test(candidate) ? candidate : `_${candidate}`;
}

/** What a submodule brings has its namespace in front: `chat.line` is `Chat_Line`. */
export const pascalIdentifier = (name: string): string =>
  name
    .split(".")
    .map((part) => asIdentifier(pascalCase(part), part))
    .join("_");

/** The stem of a file's name. */
export const fileStem = (name: string): string =>
  name
    .split(".")
    .map((part) => snakeCase(part) || "_")
    .join("_");

/** Hands out each name once: what comes later and collides gets `_` at its end. */
export class NameRegistry {
  private readonly taken: Set<string>;

  constructor(reserved: Iterable<string> = []) {
    this.taken = new Set(reserved);
  }

  claim(name: string): string {
    let free = name;
    while (this.taken.has(free)) free += "_";
    this.taken.add(free);
    return free;
  }

  /** The name, if nobody has it; else undefined. */
  take(name: string): string | undefined {
    if (this.taken.has(name)) return undefined;
    this.taken.add(name);
    return name;
  }
}

/** camelCase keys for columns, fields or tables, in order. Namespaces keep their spelling. One that would collide keeps the name it has on the wire. */
export function camelKeys(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const [own = "", ...namespaces] = name.split(".").toReversed();
    const camel = [...namespaces.toReversed(), lowerCamelCase(own)].join(".");
    let key = camel === "" || taken.has(camel) ? name : camel;
    while (taken.has(key)) key += "_";
    taken.add(key);
    return key;
  });
}
