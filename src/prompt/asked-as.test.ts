import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { askedAs, writeAskedAs } from "./asked-as.ts";

const dir = mkdtempSync(join(tmpdir(), "grit-asked-"));
afterAll(() => rmSync(dir, { recursive: true }));

test("what is written is read; a folder may say nothing", () => {
  expect(askedAs(dir)).toBeUndefined();
  const asked = { method: "sft", image: { maxPixels: 200704, doubleResize: true } } as const;
  writeAskedAs(dir, asked);
  expect(askedAs(dir)).toEqual(asked);
});

test.each([
  ["{", /grit\.json is not valid JSON/],
  ['{ "method": "grid", "image": {} }', /grit\.json: method: /],
  ['{ "method": "grit", "image": { "maxPixels": 0 } }', /grit\.json: image\.maxPixels: /],
])("%s is refused by file and key", (text, message) => {
  writeFileSync(join(dir, "grit.json"), text);
  expect(() => askedAs(dir)).toThrow(message);
});
