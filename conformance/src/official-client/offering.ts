/** The official client 2.x with a choice of its protocol. */

interface SocketBuilder<B> {
  withWSFn(open: (asked: object) => unknown): B;
}

/** Offers one protocol only. */
export const offering =
  (protocol: string) =>
  <B extends SocketBuilder<B>>(builder: B): B =>
    builder.withWSFn(async (asked) => {
      const { url, nameOrAddress, authToken } = asked as unknown as {
        url: URL;
        nameOrAddress: string;
        authToken?: string;
      };
      const address = new URL(`v1/database/${nameOrAddress}/subscribe`, url);
      if (authToken !== undefined) address.searchParams.set("token", authToken);
      address.searchParams.set("compression", "None");
      const socket = new WebSocket(address, [protocol]);
      socket.binaryType = "arraybuffer";
      return socketFor(socket);
    });

/** A socket as the package's own adapter presents it. */
function socketFor(socket: WebSocket): unknown {
  return {
    get protocol() {
      return socket.protocol;
    },
    set onopen(run: () => void) {
      socket.addEventListener("open", run);
    },
    set onclose(run: (event: unknown) => void) {
      socket.addEventListener("close", run);
    },
    set onerror(run: (event: unknown) => void) {
      socket.addEventListener("error", run);
    },
    set onmessage(run: (event: { data: Uint8Array }) => void) {
      socket.addEventListener("message", ({ data }: { data: ArrayBuffer }) => {
        const payload = new Uint8Array(data);
        if (payload[0] !== 0) throw new Error("it is compressed");
        run({ data: payload.slice(1) });
      });
    },
    send: (bytes: Uint8Array<ArrayBuffer>) => socket.send(bytes),
    close: () => socket.close(),
  };
}
