/** Query strings: keys that are not asked for are ignored; a value that does not parse is 400. */
import { fail } from "./responses.ts";
import type { HttpFailure } from "./responses.ts";

function refuse(reason: string): HttpFailure {
  return fail(400, `Failed to deserialize query string: ${reason}`);
}

/** `true` or `false`, nothing else. */
export function readBoolean(query: URLSearchParams, key: string): boolean | undefined {
  const value = query.get(key);
  if (value === null) return undefined;
  if (value === "true") return true;
  if (value === "false") return false;
  throw refuse(`${key}: provided string was not \`true\` or \`false\``);
}

/** A number of digits that fits u32. */
export function readCount(query: URLSearchParams, key: string): number | undefined {
  const value = query.get(key);
  if (value === null) return undefined;
  const count = Number(value);
  if (!/^\d{1,10}$/.test(value) || count > 0xffff_ffff) throw refuse(`${key}: invalid digit found in string`);
  return count;
}

/** One of the given words. */
export function readVariant<Word extends string>(
  query: URLSearchParams,
  key: string,
  words: readonly Word[],
): Word | undefined {
  const value = query.get(key);
  if (value === null) return undefined;
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  const expected = words.map((candidate) => `\`${candidate}\``);
  const listed =
    expected.length === 2
      ? expected.join(" or ")
      : expected.length === 1
        ? expected[0]
        : `one of ${expected.join(", ")}`;
  throw refuse(`unknown variant \`${value}\`, expected ${listed}`);
}

/** As `readVariant`, for a key that must be there. */
export function requireVariant<Word extends string>(query: URLSearchParams, key: string, words: readonly Word[]): Word {
  const word = readVariant(query, key, words);
  if (word === undefined) throw refuse(`missing field \`${key}\``);
  return word;
}
