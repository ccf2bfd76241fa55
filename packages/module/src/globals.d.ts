/**
 * The globals that a module has beside the language, for whoever's `tsconfig.json` names no library that has them:
 * `lightcone/module` brings them along, and an author needs neither `dom`, which has much besides that is not there, nor
 * Node's types. What `host-js` gives them is in its `console.ts` and `web-globals.ts`.
 *
 * Where `dom` or Node's types are there as well these are the same declarations: interfaces and functions merge, and a
 * variable takes the type that it has there. (`onmessage` and `process` tell that they are there.)
 */
/* oxlint-disable no-var, no-explicit-any, no-redeclare, ban-ts-comment, consistent-type-imports -- as the declarations that they merge with */

/** Exported, so that whoever imports the module has this file. */
export interface ModuleUrlClass {
  prototype: URL;
  new (url: string | URL, base?: string | URL): URL;
  canParse(url: string | URL, base?: string | URL): boolean;
  parse(url: string | URL, base?: string | URL): URL | null;
}
interface ModuleParamsClass {
  prototype: URLSearchParams;
  new (
    init?: Iterable<readonly [string, string]> | Readonly<Record<string, string>> | string | URLSearchParams,
  ): URLSearchParams;
}
interface ModuleEncoderClass {
  prototype: TextEncoder;
  new (): TextEncoder;
}
interface ModuleDecoderClass {
  prototype: TextDecoder;
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
}

declare global {
  interface Console {
    assert(condition?: boolean, ...data: any[]): void;
    count(label?: string): void;
    countReset(label?: string): void;
    debug(...data: any[]): void;
    dir(item?: any, options?: any): void;
    error(...data: any[]): void;
    group(...data: any[]): void;
    groupEnd(): void;
    info(...data: any[]): void;
    log(...data: any[]): void;
    table(tabularData?: any, properties?: string[]): void;
    time(label?: string): void;
    timeEnd(label?: string): void;
    timeLog(label?: string, ...data: any[]): void;
    trace(...data: any[]): void;
    warn(...data: any[]): void;
  }
  var console: Console;

  interface URL {
    hash: string;
    host: string;
    hostname: string;
    href: string;
    toString(): string;
    readonly origin: string;
    password: string;
    pathname: string;
    port: string;
    protocol: string;
    search: string;
    readonly searchParams: URLSearchParams;
    username: string;
    toJSON(): string;
  }
  var URL: typeof globalThis extends { onmessage: any; URL: infer T }
    ? T
    : typeof globalThis extends { process: any }
      ? // @ts-ignore where Node's types are not there
        typeof import("node:url").URL
      : ModuleUrlClass;

  interface URLSearchParams {
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    toString(): string;
    forEach(callbackfn: (value: string, key: string, parent: URLSearchParams) => void, thisArg?: any): void;
    [Symbol.iterator](): URLSearchParamsIterator<[string, string]>;
    entries(): URLSearchParamsIterator<[string, string]>;
    keys(): URLSearchParamsIterator<string>;
    values(): URLSearchParamsIterator<string>;
  }
  interface URLSearchParamsIterator<T> extends IteratorObject<T, BuiltinIteratorReturn> {
    [Symbol.iterator](): URLSearchParamsIterator<T>;
  }
  var URLSearchParams: typeof globalThis extends { onmessage: any; URLSearchParams: infer T }
    ? T
    : typeof globalThis extends { process: any }
      ? // @ts-ignore where Node's types are not there
        typeof import("node:url").URLSearchParams
      : ModuleParamsClass;

  interface TextEncoder {
    readonly encoding: string;
    encode(input?: string): Uint8Array<ArrayBuffer>;
    encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
  }
  var TextEncoder: typeof globalThis extends { onmessage: any; TextEncoder: infer T }
    ? T
    : typeof globalThis extends { process: any }
      ? // @ts-ignore where Node's types are not there
        typeof import("node:util").TextEncoder
      : ModuleEncoderClass;

  interface TextDecoder {
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(input?: ArrayBufferLike | ArrayBufferView, options?: { stream?: boolean }): string;
  }
  var TextDecoder: typeof globalThis extends { onmessage: any; TextDecoder: infer T }
    ? T
    : typeof globalThis extends { process: any }
      ? // @ts-ignore where Node's types are not there
        typeof import("node:util").TextDecoder
      : ModuleDecoderClass;

  function structuredClone<T = any>(value: T): T;
  function queueMicrotask(callback: () => void): void;
  function atob(data: string): string;
  function btoa(data: string): string;
}
