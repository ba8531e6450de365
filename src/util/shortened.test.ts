import { expect, test } from "vitest";
import { shortened } from "./shortened.ts";

test("a short text is quoted whole, a long one by its ends and length, and neither breaks a line", () => {
  expect(shortened("images/cat.png")).toBe("images/cat.png");
  expect(shortened("a\nb\u001b[2J")).toBe("a\\nb\\u001b[2J");
  const uri = shortened(`data:image/png;base64,${"A".repeat(1e6)}end`);
  expect(uri).toMatch(/^data:image\/png;base64,A+…A+end \(1,000,025 characters\)$/);
  expect(uri.length).toBeLessThan(200);
});
