/** What V8 says of an object. */
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

/**
 * Whether an object has its properties at fixed places, which reading one knows beforehand. Otherwise it is a dictionary,
 * and each reading a call: object literals with getters are, for one.
 */
export function hasFixedPlaces(object: object): boolean {
  setFlagsFromString("--allow-natives-syntax");
  try {
    const ask: (object: object) => boolean = new Script("(object) => %HasFastProperties(object)").runInThisContext();
    return ask(object);
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}
