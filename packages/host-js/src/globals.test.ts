// Goal: row 33: what a module asks of time zones, languages, texts, bytes and addresses is answered the same wherever it
// runs, in both sandboxes; what is not there says so, with what to write instead.
// Method: expressions in a module, in processes whose time zone and language are others; the answers are written here.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { withHint } from "./missing-globals.ts";

const say = fileURLToPath(new URL("./testing/say.ts", import.meta.url));

const told: readonly (readonly [expression: string, gives: string | RegExp])[] = [
  // A time zone: UTC.
  ["new Date(0).toString()", "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"],
  ["`${new Date(-1)}`", "Wed Dec 31 1969 23:59:59 GMT+0000 (Coordinated Universal Time)"],
  [
    "new Date(0).toDateString() + '|' + new Date(0).toTimeString()",
    "Thu Jan 01 1970|00:00:00 GMT+0000 (Coordinated Universal Time)",
  ],
  ["new Date(NaN).toString() + new Date(NaN).getHours() + new Date(NaN).getTimezoneOffset()", "Invalid DateNaNNaN"],
  ["new Date(2020, 1, 29, 12, 30).toISOString()", "2020-02-29T12:30:00.000Z"],
  ["new Date(99, 0).getFullYear()", "1999"],
  ["[new Date(0).getHours(), new Date(0).getDay(), new Date(0).getTimezoneOffset()]", "[0,4,0]"],
  ["new Date(new Date(0).setHours(5, 6)).toISOString()", "1970-01-01T05:06:00.000Z"],
  ["Date.parse('2020-01-01T00:00')", "1577836800000"],
  ["Date.parse('2020-01-01T00:00:00.5')", "1577836800500"],
  ["Date.parse('2020-01-01T00:00+09:00')", "1577804400000"],
  ["Date.parse('2020-01-01')", "1577836800000"],
  ["Date.parse('Jan 1 2020 10:00')", "1577872800000"],
  ["Date.parse('Jan 1, 2020 10:00 GMT+0200')", "1577865600000"],
  ["Date.parse(new Date(5000).toString())", "5000"],
  ["Date.parse('nonsense')", "null"],
  ["new Date('2020-01-01T00:00').getTime()", "1577836800000"],
  ["new Date(new Date(7)).getTime()", "7"],
  ["new (class extends Date {})(7) instanceof Date", "true"],
  ["[Date.name, Date.length, Date.UTC(1970, 0)]", `["Date",7,0]`],
  ["Date.now()", /^threw TypeError: a module has no clock of its own: use ctx\.timestamp/],
  ["new Date()", /^threw TypeError: a module has no clock of its own: use ctx\.timestamp/],
  ["Date()", /^threw TypeError: a module has no clock of its own: use ctx\.timestamp/],
  ["new Date(5).constructor.now()", /^threw TypeError: a module has no clock/],
  ["Math.random()", /^threw TypeError: a module has no chance of its own: use ctx\.random/],
  ["[Math.max(1, 2), Math.PI > 3, String(Math)]", `[2,true,"[object Math]"]`],
  // A language: English, or the one that is named.
  ["new Date(0).toLocaleString()", /^1\/1\/1970, 12:00:00\sAM$/],
  ["new Date(0).toLocaleDateString('de', { timeZone: 'Asia/Tokyo' })", "1.1.1970"],
  ["new Date(0).toLocaleTimeString('en-GB', { timeZone: undefined })", "00:00:00"],
  ["(1234.5).toLocaleString()", "1,234.5"],
  ["(1234.5).toLocaleString('de')", "1.234,5"],
  ["(1234n).toLocaleString()", "1,234"],
  ["[1234.5, new Date(0)].toLocaleString()", /^1,234\.5,1\/1\/1970, 12:00:00\sAM$/],
  ["new Float64Array([1234.5]).toLocaleString()", "1,234.5"],
  ["['ä'.localeCompare('z'), 'ä'.localeCompare('z', 'sv'), 'a'.localeCompare('B')]", "[-1,1,-1]"],
  ["['z', 'ä', 'a'].sort((one, other) => one.localeCompare(other))", `["a","ä","z"]`],
  ["['i'.toLocaleUpperCase(), 'i'.toLocaleUpperCase('tr'), 'I'.toLocaleLowerCase()]", `["I","İ","i"]`],
  ["(5).toLocaleString('not a language')", /^threw RangeError/],
  ["new Intl.NumberFormat().format(1234.5)", "1,234.5"],
  ["Intl.NumberFormat('de').format(1234.5)", "1.234,5"],
  ["new Intl.DateTimeFormat().format(0)", "1/1/1970"],
  ["new Intl.DateTimeFormat().resolvedOptions().timeZone", "UTC"],
  ["new Intl.DateTimeFormat().format()", /^threw TypeError: a module has no clock/],
  ["new Intl.DateTimeFormat().formatToParts()", /^threw TypeError: a module has no clock/],
  ["new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).formatRange(0, 864e5)", /^Jan 1\s–\s2, 1970$/],
  ["new Intl.PluralRules().select(1) + new Intl.ListFormat().format(['a', 'b'])", "onea and b"],
  ["new Intl.NumberFormat().constructor === Intl.NumberFormat", "true"],
  ["['b', 'a'].sort(new Intl.Collator().compare)", `["a","b"]`],
  ["new Intl.Locale('de-AT').language", "de"],
  // Texts and bytes.
  ["[...new TextEncoder().encode('é')]", "[195,169]"],
  ["new TextEncoder().encodeInto('éa', new Uint8Array(2))", `{"read":1,"written":2}`],
  ["new TextEncoder().encode('a') instanceof Uint8Array", "true"],
  ["new TextDecoder().decode(new Uint8Array([195, 169]))", "é"],
  ["new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([195]))", /^threw TypeError/],
  ["new TextDecoder('nonsense')", /^threw RangeError/],
  [
    "(() => { const d = new TextDecoder(); return d.decode(new Uint8Array([195]), { stream: true }) + d.decode(new Uint8Array([169])); })()",
    "é",
  ],
  ["new TextDecoder('utf-16le').decode(new Uint8Array([65, 0]))", "A"],
  ["atob(btoa('a\\u00ff'))", "aÿ"],
  ["btoa('é€')", /^threw InvalidCharacterError/],
  ["atob('*')", /^threw InvalidCharacterError/],
  // Addresses.
  ["new URL('/a?b=1#c', 'https://user:pw@Exämple.com:8080').href", "https://user:pw@xn--exmple-cua.com:8080/a?b=1#c"],
  [
    "(() => { const url = new URL('http://a.b/'); url.pathname = '/x y'; url.searchParams.append('q', 'ä'); url.hash = 'z'; return url; })()",
    "http://a.b/x%20y?q=%C3%A4#z".replace(/^/, '"').replace(/$/, '"'),
  ],
  ["[URL.canParse('nope'), URL.parse('nope'), URL.parse('a:b')?.protocol]", `[false,null,"a:"]`],
  ["new URL('nope')", "threw TypeError: Invalid URL: nope"],
  ["new URL('http://a.b') instanceof URL && String(new URL('http://a.b'))", "http://a.b/"],
  ["typeof URL.createObjectURL", "undefined"],
  ["[...new URLSearchParams('a=1&b=2&a=3')]", `[["a","1"],["b","2"],["a","3"]]`],
  ["new URLSearchParams({ a: 1, b: 'x y' }).toString()", "a=1&b=x+y"],
  ["new URLSearchParams([['a', '1'], ['a', '2']]).getAll('a')", `["1","2"]`],
  [
    "(() => { const all = new URLSearchParams('b=1&a=2'); all.sort(); all.delete('b'); return [all.size, all.has('a', '2'), all.get('b')]; })()",
    "[1,true,null]",
  ],
  // Copies.
  ["structuredClone({ a: [1, { b: new Date(5) }], c: new Map([[1, new Set(['x'])]]) }).c.get(1).has('x')", "true"],
  [
    "(() => { const a = { list: [] }; a.list.push(a); const b = structuredClone(a); return b !== a && b.list[0] === b; })()",
    "true",
  ],
  ["[...structuredClone(new Uint8Array([1, 2]).subarray(1))]", "[2]"],
  ["structuredClone(new RangeError('r', { cause: 5 })) instanceof RangeError", "true"],
  ["structuredClone(ctx.sender) === ctx.sender", "true"],
  ["structuredClone(() => {})", /^threw DataCloneError: .*could not be cloned/],
  ["structuredClone(Promise.resolve())", /^threw DataCloneError/],
  ["structuredClone(Symbol('s'))", /^threw DataCloneError/],
  ["structuredClone(Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }))", `{"own":2}`],
  ["new DOMException('m', 'DataCloneError').code", "25"],
  [
    "(() => { try { structuredClone(isNaN); } catch (error) { return error instanceof DOMException && error instanceof Error; } })()",
    "true",
  ],
  ["queueMicrotask(() => {})", "undefined"],
  ["queueMicrotask(5)", /^threw TypeError/],
];

describe.each([
  { sandbox: "vm", TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8" },
  { sandbox: "ses", TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8" },
  { sandbox: "ses", TZ: "America/New_York", LC_ALL: "tr_TR.UTF-8" },
])("row 33: $sandbox, in $TZ and $LC_ALL", ({ sandbox, TZ, LC_ALL }) => {
  test("answers are the same everywhere", async () => {
    const env = { ...process.env, TZ, LC_ALL, LANG: LC_ALL };
    const running = promisify(execFile)(process.execPath, [say, sandbox], { env });
    running.child.stdin?.end(JSON.stringify(told.map(([expression]) => expression)));
    const said = JSON.parse((await running).stdout) as readonly string[];
    expect(said.map((text, at) => [told[at]?.[0], text])).toEqual(
      told.map(([expression, gives]) => [expression, typeof gives === "string" ? gives : expect.stringMatching(gives)]),
    );
  });
});

test.each([
  { message: "setTimeout is not defined", says: /scheduled table/ },
  { message: "fetch is not a function", says: /cannot reach the network/ },
  { message: "WebSocket is not a constructor", says: /cannot reach the network/ },
  { message: "crypto is not defined", says: /ctx\.random/ },
  { message: "globalThis.fetch is not a function", says: /cannot reach the network/ },
  {
    message: "Cannot read properties of undefined (reading 'env')",
    says: /if process\.env is meant: there is no Node/,
  },
  { message: "Cannot read properties of undefined (reading 'randomUUID')", says: /crypto\.randomUUID .* ctx\.random/ },
])("row 28: $message", ({ message, says }) => expect(withHint(message)).toMatch(says));

test.each([
  ...["x is not defined", "toString is not defined", "fetch failed", "a.fetch is not a function"],
  ...["Cannot read properties of undefined (reading 'name')", "Cannot read properties of null (reading 'env')"],
])("nothing is added to: %s", (message) => {
  expect(withHint(message)).toBe(message);
});
