// Goal: a database stands on the log that it is handed: what is written here and accepted later is told later.
// Method: the log of this machine behind one that accepts nothing while it is held; messages of a client and a reply over
// HTTP are counted before and after it lets go.
import { openLog, type CommitLog, type LogOptions } from "@lightcone/commitlog";
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

/** A log that is accepted by somebody else, who may take their time. */
class HeldLog {
  isHeld = false;
  private letGo: (() => void) | undefined;
  private freed: Promise<void> = Promise.resolve();
  private acceptedOffset = -1;
  private readonly callbacks = new Set<(offset: number) => void>();

  readonly open = async (options: LogOptions): Promise<CommitLog> => {
    const log = await openLog(options);
    this.acceptedOffset = log.durableOffset;
    log.onDurable((offset) => {
      if (!this.isHeld) this.accept(offset);
    });
    const own: Partial<Record<PropertyKey, unknown>> = {
      onDurable: (callback: (offset: number) => void) => {
        this.callbacks.add(callback);
        return () => this.callbacks.delete(callback);
      },
      whenDurable: (offset: number) => log.whenDurable(offset).then(() => this.freed),
    };
    return new Proxy(log, {
      get: (target, key) => {
        if (key === "durableOffset") return this.acceptedOffset;
        if (key in own) return own[key];
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

  hold(): void {
    this.isHeld = true;
    this.freed = new Promise((resolve) => (this.letGo = resolve));
  }

  release(offset: number): void {
    this.isHeld = false;
    this.accept(offset);
    this.letGo?.();
  }

  private accept(offset: number): void {
    this.acceptedOffset = offset;
    for (const callback of this.callbacks) callback(offset);
  }
}

const turns = async (): Promise<void> => {
  for (let left = 20; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
};

test("what is written here and not accepted yet is told to nobody, and to everybody once it is", async () => {
  const held = new HeldLog();
  const database = await openLocal({ openLog: held.open });
  expect((await publish(database, "../bad-input/modules/hostile.ts")).status).toBe(200);
  const client = new LocalClient(database, makeCaller(2));
  expect((await client.next()).kind).toBe("IdentityToken");
  client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM item"], requestId: 1, queryId: 1 });
  expect((await client.next()).kind).toBe("SubscribeMultiApplied");
  const before = client.messages.length;

  held.hold();
  const args = new ByteWriter();
  args.string("by message");
  client.call("add", args.toBytes(), 7);
  const replies: number[] = [];
  void call(database, "add", '["over HTTP"]').then(({ status }) => replies.push(status));
  await turns();
  expect([client.messages.length - before, replies]).toEqual([0, []]);

  held.release(1_000_000);
  await client.until(({ messages }) => messages.length >= before + 2);
  await turns();
  expect(replies).toEqual([200]);
  expect(await sql(database, "SELECT name FROM item")).toEqual([["by message"], ["over HTTP"]]);
  await database.stop(100);
});
