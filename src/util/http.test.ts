import { Response } from "undici";
import { expect, it } from "vitest";
import { retryAfter } from "./http.ts";

const asked = (headers: Record<string, string>) => retryAfter(new Response(null, { headers }));

it.each([
  [{ "retry-after": "2" }, 2000],
  [{ "retry-after": "0.5" }, 500],
  [{ "retry-after-ms": "250" }, 250],
  [{ "retry-after-ms": "250", "retry-after": "2" }, 250],
  [{ "retry-after-ms": "x", "retry-after": "2" }, 2000],
  [{ "retry-after": new Date(0).toUTCString() }, 0],
])("reads the wait in %j as %d ms", (headers, wait) => {
  expect(asked(headers)).toBe(wait);
});

it("reads a date in seconds from now, and nothing where nothing is said", () => {
  const wait = asked({ "retry-after": new Date(Date.now() + 60_000).toUTCString() })!;
  expect(wait).toBeGreaterThan(50_000);
  expect(wait).toBeLessThanOrEqual(60_000);
  expect(asked({})).toBeUndefined();
  expect(asked({ "retry-after": "soon" })).toBeUndefined();
});
