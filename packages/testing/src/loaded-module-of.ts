/** What was read of a module's exports, by those: once for all worlds. */
import { LoadedModule } from "@lightcone/host-js";
import { errors, Range, SenderError, SpacetimeHostError } from "@lightcone/module";
import { keepCompiled } from "@lightcone/sats";

/** Under this symbol exports of `lightcone/module` describe themselves outside of a database. */
const description: unique symbol = Symbol.for("lightcone:host@1 description");
const own = { description, SenderError, SpacetimeHostError, Range, errors };
const loaded = new WeakMap<object, LoadedModule>();

/** @throws {TypeError} unless they are all exports of an entry file; {LightconeError} `ModuleInvalid`, `SchemaInvalid` */
export function loadedModuleOf(exports: unknown): LoadedModule {
  if (typeof exports !== "object" || exports === null || !("default" in exports))
    throw new TypeError(
      'all exports of the module\'s entry file are taken: import * as arena from "../module/src/index.ts"',
    );
  keepCompiled();
  let module = loaded.get(exports);
  if (module === undefined) loaded.set(exports, (module = new LoadedModule(exports, own)));
  return module;
}
