/** Sockets, time and chance of a page, or of Node 22 and later. */
import { realClock, realRandom } from "@lightcone/base";
import type { Exchanged, Platform, Socket, SocketEvents } from "./platform.ts";

export const realPlatform: Platform = {
  clock: realClock,
  random: realRandom,
  openSocket,
  exchangeToken,
  report: (error) => {
    // Thrown where nobody catches, it reaches `window.onerror`, or ends a Node process, as any error would.
    queueMicrotask(() => {
      throw error;
    });
  },
};

function openSocket(url: string, protocol: string, events: SocketEvents): Socket {
  const socket = new WebSocket(url, protocol);
  socket.binaryType = "arraybuffer";
  const stopped = new AbortController();
  const options = { signal: stopped.signal };
  socket.addEventListener(
    "message",
    ({ data }: { readonly data: unknown }) =>
      data instanceof ArrayBuffer ? events.message(new Uint8Array(data)) : events.closed("the server sent text"),
    options,
  );
  // An "error" is always followed by a "close", which says what there is to say.
  socket.addEventListener(
    "close",
    ({ code, reason }) => events.closed(reason === "" ? `code ${code}` : reason),
    options,
  );
  return {
    send: (message) => socket.send(message),
    close: () => {
      stopped.abort();
      socket.close();
    },
  };
}

async function exchangeToken(url: string, token: string): Promise<Exchanged> {
  const response = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  if (response.status === 400 || response.status === 401)
    return { kind: "Refused", reason: (await response.text()).trim() };
  if (!response.ok) throw new Error(`the server answered ${response.status} to the token`);
  const body = (await response.json()) as { readonly token?: unknown };
  if (typeof body.token !== "string") throw new Error("the server gave no token for the token");
  return { kind: "ShortLived", token: body.token };
}
