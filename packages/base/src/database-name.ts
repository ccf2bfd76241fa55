/** Whether a text can name a database: as a name that servers take, or as its identity in hex. */
export function isDatabaseName(text: string): boolean {
  return /^(?:0x)?[\da-fA-F]{64}$/.test(text) || (text.length <= 64 && /^[a-z\d]+(?:[-_][a-z\d]+)*$/.test(text));
}
