import { expect, it } from "vitest";
import { Places } from "./places.ts";

it("refuses what there is no room for, until some is given back", () => {
  const places = new Places(3, "chairs");
  places.take(3);
  expect(() => places.take(1)).toThrow(expect.objectContaining({ status: 429, headers: { "Retry-After": "1" } }));
  expect(() => places.take(1)).toThrow(/no room for more chairs/);
  places.give(2);
  expect(() => places.take(3)).toThrow();
  places.take(2);
  expect(places.taken).toBe(3);
});
