/** Sockets, time and chance of a page, or of Node 22 and later. */
import { realClock, realRandom } from "@lightcone/base";
import type { Exchanged, Platform, Probed, Socket, SocketEvents } from "./platform.ts";

export const realPlatform: Platform = {
  clock: realClock,
  random: realRandom,
  openSocket,
  exchangeToken,
  probe,
  // oxlint-disable-next-line no-console -- where developers of pages look
  warn: (text) => console.warn(text),
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

/** Answers that another time may bring another of. */
const passing: readonly number[] = [408, 425, 429];
const probeTimeoutMs = 10_000;

async function probe(url: string): Promise<Probed> {
  const response = await fetch(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
  const { status } = response;
  if (response.ok) {
    await response.body?.cancel();
    return { kind: "There" };
  }
  const reason = (await response.text()).trim();
  if (status >= 500 || passing.includes(status)) throw new Error(`the server answered ${status}: ${reason}`);
  return { kind: "Refused", status, reason };
}

async function exchangeToken(url: string, token: string): Promise<Exchanged> {
  const response = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  if ([400, 401, 403].includes(response.status)) return { kind: "Refused", reason: (await response.text()).trim() };
  if (!response.ok) throw new Error(`the server answered ${response.status} to the token`);
  const body = (await response.json()) as { readonly token?: unknown };
  if (typeof body.token !== "string") throw new Error("the server gave no token for the token");
  return { kind: "ShortLived", token: body.token };
}
