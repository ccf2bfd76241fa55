/**
 * Fetches a document of an issuer, and nothing else. Whoever shows a token has a say in what is asked for, so: no
 * redirect is followed, time and bytes are bounded, and unless it is allowed no connection is made to an address that
 * is not of the public internet. The address is looked at when the connection is made, not when a name was looked up
 * earlier: a name that changes between the two gains nothing.
 */
import { lookup as systemLookup } from "node:dns";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { Clock } from "@lightcone/base";
import { isPublicAddress, lookupWithin, notPublic, type Lookup } from "../outgoing/public-addresses.ts";

export interface FetchRules {
  /** Whether the address may be of this machine or its network. */
  readonly mayBePrivate: boolean;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/** @throws {Error} whatever stands in the way, for the server's log */
export type IssuerFetch = (url: URL, rules: FetchRules) => Promise<string>;

export function makeIssuerFetch(clock: Clock, lookup: Lookup = systemLookup): IssuerFetch {
  return (url, { mayBePrivate, timeoutMs, bytesMax }) =>
    new Promise((resolve, reject) => {
      const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
      // A connection to a literal address looks nothing up.
      if (!mayBePrivate && isIP(name) !== 0 && !isPublicAddress(name)) {
        reject(notPublic(name));
        return;
      }
      const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
        agent: false,
        headers: { accept: "application/json", "accept-encoding": "identity" },
        lookup: lookupWithin(lookup, mayBePrivate ? () => true : isPublicAddress),
      });
      const cancel = clock.after(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.on("close", cancel);
      request.on("error", reject);
      request.on("response", (response) => {
        readAll(response, bytesMax).then(resolve, (error: unknown) => {
          reject(error instanceof Error ? error : new Error(String(error)));
          request.destroy();
        });
      });
      request.end();
    });
}

/** @throws {Error} for anything but a whole answer of status 200 */
async function readAll(response: IncomingMessage, bytesMax: number): Promise<string> {
  const { statusCode } = response;
  if (statusCode !== 200) throw new Error(`answered ${statusCode}; redirects are not followed`);
  const chunks: Buffer[] = [];
  let byteCount = 0;
  // Without an encoding the chunks of a response are buffers.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > bytesMax) throw new Error(`the document is over ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
