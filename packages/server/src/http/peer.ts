/**
 * Who sends a request, as far as limits go: an IPv4 address, or the first half of an IPv6 address, which is what a visitor
 * is given whole. A proxy on this machine sends for others: what it says last in `X-Forwarded-For` is what it has seen itself.
 */
import { isIP } from "node:net";

export function peerOf(remoteAddress: string | undefined, forwardedFor: string | null): string {
  const peer = plain(remoteAddress ?? "");
  if (!isLoopback(peer)) return counted(peer);
  const said = plain(forwardedFor?.split(",").at(-1) ?? "");
  return counted(isIP(said) === 0 ? peer : said);
}

/** Without a zone, and an IPv4 address as such. */
function plain(address: string): string {
  const [bare = ""] = address.trim().split("%");
  return bare.replace(/^::ffff:(?=[\d.]+$)/i, "");
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function counted(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail = ""] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  // An IPv4 address at the end takes the place of two groups.
  const after = tail === "" ? 0 : tail.split(":").length + (tail.includes(".") ? 1 : 0);
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after) }, () => "0");
  const groups = address.includes("::") ? [...before, ...zeros, ...tail.split(":")] : before;
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
