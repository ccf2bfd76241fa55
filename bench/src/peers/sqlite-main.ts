/** Node + SQLite: one writer, prepared statements, WAL: `node sqlite-main.ts FILE FULL|NORMAL ACCOUNTS`. */
import { DatabaseSync } from "node:sqlite";
import { committed, readTransfer, refused, serve } from "./answer.ts";

const [file = "", synchronous = "FULL", accounts = "1000"] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -262144`);
database.exec("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)");
database.exec("BEGIN");
const insert = database.prepare("INSERT INTO account VALUES (?, 1000000)");
for (let id = 0; id < Number(accounts); id += 1) insert.run(id);
database.exec("COMMIT");

const begin = database.prepare("BEGIN IMMEDIATE");
const commit = database.prepare("COMMIT");
const rollback = database.prepare("ROLLBACK");
const find = database.prepare("SELECT balance FROM account WHERE id = ?");
const update = database.prepare("UPDATE account SET balance = ? WHERE id = ?");

function transfer(from: number, to: number, amount: number): boolean {
  begin.run();
  const payer = find.get(from);
  const payee = find.get(to);
  if (payer === undefined || payee === undefined || Number(payer["balance"]) < amount) {
    rollback.run();
    return false;
  }
  update.run(Number(payer["balance"]) - amount, from);
  update.run(Number(payee["balance"]) + amount, to);
  commit.run();
  return true;
}

serve((socket) => {
  socket.on("message", (frame: Buffer) => {
    const { from, to, amount } = readTransfer(frame);
    socket.send(transfer(from, to, amount) ? committed : refused);
  });
});
