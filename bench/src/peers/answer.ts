/** Frames as the peers speak them: the same call in, an answer of the same length out. */
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";

/** Length of the answer that Lightcone gives to a transfer. */
const answerBytes = 127;
export const committed: Uint8Array = makeAnswer(0);
export const refused: Uint8Array = makeAnswer(1);

function makeAnswer(status: number): Uint8Array {
  const bytes = new Uint8Array(answerBytes);
  bytes[1] = 1;
  bytes[2] = status;
  return bytes;
}

export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

/** Where a `CallReducer` frame of `transfer` has its arguments. */
const argsAt = 17;

export function readTransfer(frame: Buffer): Transfer {
  return {
    from: frame.readUInt32LE(argsAt),
    to: frame.readUInt32LE(argsAt + 4),
    amount: Number(frame.readBigInt64LE(argsAt + 8)),
  };
}

/** Serves `connected` on any port, and says which as a line of JSON. */
export function serve(connected: (socket: WebSocket) => void): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
    const address = server.address();
    process.stdout.write(`${JSON.stringify({ port: typeof address === "object" ? address?.port : 0 })}\n`);
  });
  server.on("connection", (socket) => {
    socket.on("error", () => socket.terminate());
    connected(socket);
    socket.send(committed); // stands for the first message, which says who the client is
  });
}
