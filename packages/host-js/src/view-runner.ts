/** Runs the views of one instance: at once, without a clock or chance, over rows that they only read. */
import type { ViewCall } from "@lightcone/host";
import { ByteWriter, Identity, type ValueCodec } from "@lightcone/sats";
import type { Sandbox } from "./sandbox.ts";
import type { ViewShape } from "./shapes.ts";

export interface BoundView {
  readonly name: string;
  readonly shape: ViewShape;
  /** Of a list of its rows. */
  readonly rows: ValueCodec;
  readonly ctx: object;
}

/** What a view gave: BSATN of a list of rows, or a query's text. */
export type ViewGiven = Uint8Array | string;

export class ViewRunner {
  private sender: Uint8Array | undefined;

  /** The object that a view is given. */
  contextOf(sandbox: Sandbox, { isAnonymous }: ViewShape, db: object, from: unknown): object {
    const ctx = { db, from };
    const sender = (): Identity => {
      if (this.sender === undefined) throw new TypeError("a context only answers while its function runs");
      return Identity.fromBytes(this.sender.slice());
    };
    if (!isAnonymous) Object.defineProperty(ctx, "sender", { get: sender, enumerable: true });
    return sandbox.harden(ctx);
  }

  /** @throws whatever the view throws, `TypeError` for what is not of its type */
  run({ shape, rows, ctx }: BoundView, { sender }: ViewCall): ViewGiven {
    this.sender = sender;
    const { body, queryOf, isOne } = shape; // called without a receiver: `this` is nothing of ours
    const given = body(ctx);
    const query = queryOf(given);
    if (typeof query === "string") return query;
    const out = new ByteWriter();
    rows.write(out, isOne ? (given === undefined || given === null ? [] : [given]) : given);
    return out.toBytes();
  }
}
