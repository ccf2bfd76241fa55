/** Values as Rust's `{:?}` shows them, for log lines that people compare with those of other hosts. */

/** A text in quotes, with what would not show escaped. */
export function quoted(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '"' || char === "\\") out += `\\${char}`;
    else if (char === "\n") out += "\\n";
    else if (char === "\r") out += "\\r";
    else if (char === "\t") out += "\\t";
    else if (code === 0) out += "\\0";
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) out += `\\u{${code.toString(16)}}`;
    else out += char;
  }
  return `${out}"`;
}

/** A length of time, in the largest unit that it fills. */
export function durationText(micros: number): string {
  if (micros <= 0) return "0ns";
  if (micros >= 1_000_000) return `${micros / 1_000_000}s`;
  if (micros >= 1000) return `${micros / 1000}ms`;
  return `${micros}µs`;
}
