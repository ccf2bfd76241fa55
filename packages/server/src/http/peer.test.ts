/**
 * Goal: everybody counts by the address that they have, however it is written, and nobody by one that they have made up.
 * Method: a table of what the socket says, what `X-Forwarded-For` says, and who it is.
 */
import { expect, test } from "vitest";
import { peerOf } from "./peer.ts";

test.each([
  ["203.0.113.9", null, "203.0.113.9"],
  ["::ffff:203.0.113.9", null, "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", null, "2001:db8:1:2"],
  ["2001:0db8:1:2::6", null, "2001:db8:1:2"],
  ["2001:db8::6", null, "2001:db8:0:0"],
  ["64:ff9b::192.0.2.1", null, "64:ff9b:0:0"],
  ["fe80::1%eth0", null, "fe80:0:0:0"],
  // Only a proxy on this machine is believed, and of what it says only what it has added itself.
  ["203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["127.0.0.1", "198.51.100.1", "198.51.100.1"],
  ["::ffff:127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"],
  ["::1", "2001:db8:1:2::9", "2001:db8:1:2"],
  ["127.0.0.1", "nonsense", "127.0.0.1"],
  ["::1", null, "0:0:0:0"],
  [undefined, null, ""],
])("row 9: %s, forwarded for %s, is %s", (remote, forwarded, peer) => {
  expect(peerOf(remote, forwarded)).toBe(peer);
});
