// Goal: a list is empty afterwards, and still the same list.
// Method: short, long and holey ones.
import { expect, test } from "vitest";
import { empty } from "./empty.ts";

test.each([0, 1, 2, 16, 17, 1000])("a list of %i is emptied", (length) => {
  const list = Array.from({ length }, (_, index) => index);
  empty(list);
  expect(list).toEqual([]);
  list.push(7);
  expect(list).toEqual([7]);
});

test("a list with holes is emptied", () => {
  const list: (string | undefined)[] = [];
  list[5] = "a";
  empty(list);
  expect(list).toHaveLength(0);
});
