/** The grammar of database names: `^[a-z0-9]+([-_][a-z0-9]+)*$`, at most 64 characters, never an identity. */
import { identityFromHex } from "../auth/identity.ts";

/** The longest name. */
export const nameCharactersMax = 64;

/** Says what is wrong with a name, in the words that clients know; undefined when nothing is. */
export function databaseNameProblem(name: string): string | undefined {
  if (identityFromHex(name) !== undefined) return "database names cannot be identities";
  if (name === "") return "database names cannot be empty";
  // The first offence in reading order decides which text it is.
  let previous = "";
  for (const character of name) {
    const isLetter = /[a-z0-9]/.test(character);
    if (previous === "-" && !isLetter) return hyphen;
    if (previous === "_" && !isLetter) return characters;
    if (character === "-" && previous === "") return hyphen;
    if (character === "_" && previous === "") return characters;
    if (!isLetter && character !== "-" && character !== "_") return characters;
    previous = character;
  }
  if (previous === "-") return hyphen;
  if (previous === "_") return characters;
  if (name.length > nameCharactersMax) return `database name is longer than ${nameCharactersMax} characters`;
  return undefined;
}

const hyphen = "invalid hyphen in database name";
const characters = "invalid characters in database name";
