// Goal: a text is read the same whichever way its length takes, and no other bytes are read as one.
// Method: every length around the bound between the two ways, letters of ASCII alone and one other sort of letter at each place.
import { expect, test } from "vitest";
import { encodeUtf8, isUtf8, tryDecodeUtf8 } from "./utf8.ts";

test("texts of every length, with a letter of one to four bytes at each place", () => {
  for (let length = 0; length <= 70; length += 1) {
    const plain = Array.from({ length }, (_, at) => String.fromCharCode(32 + ((at * 7) % 95))).join("");
    for (const letter of ["", "\0", "\u007F", "é", "\uFEFF", "漢", "🌍"])
      for (let place = 0; place <= length; place += 1) {
        const text = plain.slice(0, place) + letter + plain.slice(place);
        const bytes = encodeUtf8(`.${text}.`);
        expect(tryDecodeUtf8(bytes, 1, bytes.length - 1)).toBe(text);
      }
  }
});

test.each([[0x80], [0xc1, 0x81], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]])(
  "%j is no text, however much stands before it",
  (...wrong) => {
    for (let length = 0; length <= 70; length += 1) {
      const bytes = Uint8Array.from([...new Uint8Array(length).fill(0x61), ...wrong]);
      expect(tryDecodeUtf8(bytes, 0, bytes.length)).toBeUndefined();
      expect(isUtf8(bytes, 0, bytes.length)).toBe(false);
    }
  },
);
