/** A port without a database behind it, for tests of what happens in the sandbox alone. */
import { Errno, type HostPort, type LogLine } from "@lightcone/host";

export class FakePort implements HostPort {
  readonly lines: LogLine[] = [];
  readonly databaseIdentity = new Uint8Array(32).fill(0xdb);
  readonly generated = new Uint8Array(0);
  readonly row = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };
  micros = 0;

  tableId = (): 0 => 0;
  indexId = (): 0 => 0;
  rowCount = (): number => -Errno.notInTransaction;
  insert = (): number => -Errno.notInTransaction;
  update = (): number => -Errno.notInTransaction;
  find = (): number => -Errno.notInTransaction - 1;
  deletePoint = (): number => -Errno.notInTransaction;
  deleteRange = (): number => -Errno.notInTransaction;
  deleteRows = (): number => -Errno.notInTransaction;
  clear = (): number => -Errno.notInTransaction;
  scanTable = (): number => -Errno.notInTransaction;
  scanPoint = (): number => -Errno.notInTransaction;
  scanRange = (): number => -Errno.notInTransaction;
  resolve = (): void => {};
  failure = (): string => "there is no transaction";
  jwt = (): undefined => undefined;
  scheduleNow = (): void => {};
  nowMicros = (): number => (this.micros += 1500);
  log = (line: LogLine): void => void this.lines.push(line);
}

export const someCall = {
  reducerId: 0,
  sender: new Uint8Array(32).fill(7),
  connection: new Uint8Array(16).fill(1),
  timestampMicros: 1_700_000_000_000_000,
  args: new Uint8Array(0),
};

/** A bundle by hand: one reducer, whose body is `body`; `before` stands in front of it. */
export function bundleOf(body: string, before = ""): string {
  return `
const host = require("lightcone:host@1");
${before}
const functions = [];
exports.default = Object.defineProperty({}, host.description, { value: { kind: "schema", tables: {}, policy: "SnakeCase", functions } });
functions[0] = exports.run = Object.defineProperty(() => {}, host.description, { value: { kind: "reducer", params: {}, body: (ctx, args) => { ${body} } } });
`;
}
