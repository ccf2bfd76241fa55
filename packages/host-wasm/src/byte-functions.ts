/** The host functions that move bytes, and those that tell a module who and where it is. docs/wire/module-abi.md. */
import { Errno } from "@lightcone/host";
import type { HostFunctionName } from "./abi.ts";
import { ByteSink } from "./byte-streams.ts";
import type { Guest } from "./guest.ts";

/** What `bytes_source_read` answers when it has delivered the last byte. */
const exhausted = -1;
const connectionIdBytes = 16;

export function byteFunctions(guest: Guest) {
  const { port, memory, sources, sink } = guest;

  return {
    bytes_source_remaining_length(handle: number, outAt: number): number {
      memory.sync();
      const source = handle >>> 0;
      const data = sources.data(source);
      if (data === undefined) return Errno.noSuchBytes;
      memory.writeU32(outAt >>> 0, data.length - sources.cursor(source));
      return 0;
    },

    bytes_source_read(handle: number, bufferAt: number, lengthAt: number): number {
      memory.sync();
      const source = handle >>> 0;
      const data = sources.data(source);
      if (data === undefined) return Errno.noSuchBytes;
      const capacity = memory.readU32(lengthAt >>> 0);
      memory.need(bufferAt >>> 0, capacity);
      const from = sources.cursor(source);
      const count = Math.min(capacity, data.length - from);
      memory.write(bufferAt >>> 0, data, from, count);
      memory.writeU32(lengthAt >>> 0, count);
      sources.moveTo(source, from + count, data.length);
      return from + count === data.length ? exhausted : 0;
    },

    bytes_sink_write(handle: number, bufferAt: number, lengthAt: number): number {
      memory.sync();
      const into = handle === ByteSink.bodyHandle && guest.hasBodySink ? guest.bodySink : sink;
      if (into === sink && handle !== ByteSink.handle) return Errno.noSuchBytes;
      const length = memory.readU32(lengthAt >>> 0);
      memory.need(bufferAt >>> 0, length);
      return into.write(memory.u8, bufferAt >>> 0, length) ? 0 : Errno.noSpace;
    },

    identity(outAt: number): void {
      memory.sync();
      memory.write(outAt >>> 0, port.databaseIdentity, 0, port.databaseIdentity.length);
    },

    get_jwt(connectionAt: number, outAt: number): number {
      memory.sync();
      const connection = memory.copy(connectionAt >>> 0, connectionIdBytes);
      if (!guest.inTransaction()) return Errno.notInTransaction;
      const claims = port.jwt(connection);
      memory.writeU32(outAt >>> 0, claims === undefined ? 0 : sources.open(claims));
      return 0;
    },

    volatile_nonatomic_schedule_immediate(
      nameAt: number,
      nameLength: number,
      argsAt: number,
      argsLength: number,
    ): void {
      memory.sync();
      const name = memory.name(nameAt >>> 0, nameLength >>> 0);
      port.scheduleNow(name, memory.copy(argsAt >>> 0, argsLength >>> 0));
    },
  } satisfies Partial<Record<HostFunctionName, unknown>>;
}
