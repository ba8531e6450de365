import { expect, it } from "vitest";
import { duplicateKey } from "./duplicate-key.ts";

it.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}],"d":["a","a"]}', undefined],
  ['{"a":1,"b":2,"a":3}', "a"],
  ['{"a":[{"b":1,"c":{},"b":2}]}', "b"],
  [String.raw`{"a\"":1,"b":"\\","c":"\",\"b\":","a\u0022":2}`, 'a"'],
  ["[1,2]", undefined],
  ['"{"', undefined],
])("%s", (text, key) => {
  expect(JSON.parse(text)).toBeDefined();
  expect(duplicateKey(text)).toBe(key);
});
