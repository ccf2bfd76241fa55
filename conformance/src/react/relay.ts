/** A way from a page to its server that a test can cut. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Relay {
  private readonly server: Server;
  private readonly ways = new Set<Socket>();
  /** Whether answers are kept back, while what pages send passes. */
  isDeaf = false;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.server = createServer((near) => {
      const far = connect(Number(port), hostname);
      near.pipe(far);
      far.on("data", (chunk) => this.isDeaf || near.write(chunk));
      for (const way of [near, far]) {
        this.ways.add(way);
        way.on("error", () => {});
        way.on("close", () => {
          this.ways.delete(way);
          for (const other of [near, far]) other.destroy();
        });
      }
    });
  }

  static async open(target: string): Promise<Relay> {
    const relay = new Relay(target);
    relay.server.listen(0, "127.0.0.1");
    await once(relay.server, "listening");
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends every connection that there is. */
  cut(): void {
    for (const way of this.ways) way.destroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
