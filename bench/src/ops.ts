import { commitMeta, openStore, tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";
const N = 100_000;
const store = openStore();
store.begin();
const table = store.catalog.createTable(
  tableDef({ name: "account", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] }),
);
const row = new Uint8Array(12);
const v = new DataView(row.buffer);
for (let id = 0; id < N; id += 1) {
  v.setUint32(0, id, true);
  v.setBigInt64(4, 1_000_000n, true);
  store.tx.insert(table.id, row, 0, 12);
}
store.release(store.commit(commitMeta())!);
const index = store.tx.indexId("account_id_idx_btree");
const { tx } = store;
const meta = commitMeta({ functionName: "transfer", args: new Uint8Array(16) });
let r = 12345;
const pick = (n: number) => {
  r = (Math.imul(r, 1_103_515_245) + 12_345) >>> 0;
  return (r >>> 8) % n;
};
function cpu() {
  const c = process.cpuUsage();
  return c.user + c.system;
}
function time(name: string, n: number, f: (n: number) => void) {
  f(n >> 3);
  let best = 1e9;
  for (let k = 0; k < 5; k++) {
    const b = cpu();
    f(n);
    best = Math.min(best, ((cpu() - b) * 1000) / n);
  }
  console.log(name.padEnd(28), best.toFixed(1), "ns");
}
let s = 0;
for (const n of [1000, N]) {
  time("find of " + n, 4e6, (c) => {
    store.begin();
    for (let i = 0; i < c; i++) {
      v.setUint32(0, pick(n), true);
      s += tx.find(index as never, row, 0, 4);
    }
    store.rollback();
  });
  time("find+locate+read of " + n, 4e6, (c) => {
    store.begin();
    for (let i = 0; i < c; i++) {
      v.setUint32(0, pick(n), true);
      tx.locate(tx.find(index as never, row, 0, 4) as never);
      const p = tx.place;
      s += p.view.getInt32(p.at + 4, true);
    }
    store.rollback();
  });
  for (const k of [1, 2, 3, 8])
    time(`tx of ${k} updates of ${n}`, 1e6, (c) => {
      for (let i = 0; i < c; i++) {
        store.begin();
        for (let j = 0; j < k; j++) {
          v.setUint32(0, pick(n), true);
          v.setInt32(4, i * k + j, true);
          tx.update(table.id, index as never, row, 0, 12);
        }
        const m = store.commit(meta);
        if (m) {
          s += m.bytes.length;
          store.release(m);
        }
      }
    });
}
console.log(s > 0);
