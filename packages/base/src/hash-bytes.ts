/** FNV-1a of the bytes from `at` on, in 32 bits. It tells what is another by chance, and nothing of who made it. */
export function hashBytes(bytes: Uint8Array, at = 0): number {
  let hash = 0x811c_9dc5;
  for (; at < bytes.length; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193);
  return hash >>> 0;
}
