/**
 * Fetches a document of an issuer, and nothing else. Whoever shows a token has a say in what is asked for, so: no
 * redirect is followed, time and bytes are bounded, and unless it is allowed no connection is made to an address that
 * is not of the public internet. The address is looked at when the connection is made, not when a name was looked up
 * earlier: a name that changes between the two gains nothing.
 */
import { lookup as systemLookup } from "node:dns";
import type { LookupAddress, LookupAllOptions } from "node:dns";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import type { LookupFunction } from "node:net";
import type { Clock } from "@lightcone/base";

export interface FetchRules {
  /** Whether the address may be of this machine or its network. */
  readonly mayBePrivate: boolean;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/** @throws {Error} whatever stands in the way, for the server's log */
export type IssuerFetch = (url: URL, rules: FetchRules) => Promise<string>;

/** All addresses of a name, as `dns.lookup` finds them. */
export type Lookup = (
  name: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

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
        lookup: lookupWithin(lookup, mayBePrivate),
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

/** Looks names up and gives those addresses that may be connected to. */
function lookupWithin(lookup: Lookup, mayBePrivate: boolean): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      const allowed = mayBePrivate ? addresses : addresses?.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed ?? [];
      if (error !== null) callback(error, "");
      else if (first === undefined) callback(notPublic(name), "");
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function notPublic(name: string): Error {
  return new Error(`${name} is not a public address`);
}

/** Networks of IPv4 that are this machine's, its neighbours', or nobody's (IANA's special purpose registry). */
const special4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;
/** Of IPv6 only this is given out at all, and parts of it lead elsewhere. */
const global6 = ["2000::", 3] as const;
const special6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [network, prefix] of special4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of special6) special.addSubnet(network, prefix, "ipv6");
const global = new BlockList();
global.addSubnet(...global6, "ipv6");

/** Whether an address is of the public internet. An IPv4 address that is written as one of IPv6 is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && global.check(address, "ipv6") && !special.check(address, "ipv6");
}
