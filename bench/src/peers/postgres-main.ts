/** Node + PostgreSQL: a stored function, a connection to the server per client: `node postgres-main.ts SOCKET_DIRECTORY PORT`. */
import pg from "pg";
import { committed, readTransfer, refused, serve } from "./answer.ts";

const [host = "", port = "0"] = process.argv.slice(2);

serve((socket) => {
  const client = new pg.Client({ host, port: Number(port), user: "postgres", database: "postgres" });
  client.on("error", () => socket.terminate());
  // One query at a time, in order: what waits, waits here.
  let last: Promise<unknown> = client.connect();
  socket.on("close", () => void client.end());
  socket.on("message", (frame: Buffer) => {
    const { from, to, amount } = readTransfer(frame);
    last = last
      .then(() =>
        client.query({
          name: "transfer",
          text: "SELECT transfer($1::int, $2::int, $3::bigint)",
          values: [from, to, amount],
        }),
      )
      .then(
        () => socket.send(committed),
        () => socket.send(refused),
      );
  });
});
