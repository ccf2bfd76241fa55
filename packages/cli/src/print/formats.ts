/** The formats that `sql` writes. */
export const formats = ["table", "json", "ndjson", "csv", "raw"] as const;
export type Format = (typeof formats)[number];
