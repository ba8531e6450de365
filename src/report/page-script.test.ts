import { Script } from "node:vm";
import { expect, test } from "vitest";
import { pageScript } from "./page-script.ts";

test("the script is JavaScript that a page can hold, and the same each time", () => {
  const script = pageScript();
  expect(() => new Script(script)).not.toThrow();
  expect(script).toContain("pointermove");
  expect(script).not.toMatch(/<\/script|HTMLElement/);
  expect(pageScript()).toBe(script);
});
