import { expect, it } from "vitest";
import { Lru } from "./lru.ts";

it("forgets the least recently used entry", () => {
  const lru = new Lru<number>(2, () => 1);
  lru.set("a", 1);
  lru.set("b", 2);
  expect(lru.get("a")).toBe(1);
  lru.set("c", 3);
  expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual([1, undefined, 3]);
  lru.set("a", 4);
  expect([lru.get("a"), lru.get("c")]).toEqual([4, 3]);
});

it("counts what its values take", () => {
  const lru = new Lru<number>(10, (value) => value);
  lru.set("a", 4);
  lru.set("b", 5);
  lru.set("b", 6);
  expect([lru.get("a"), lru.get("b")]).toEqual([4, 6]);
  lru.set("c", 9);
  expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual([undefined, undefined, 9]);
  lru.set("d", 100);
  expect([lru.get("c"), lru.get("d")]).toEqual([undefined, 100]);
});
