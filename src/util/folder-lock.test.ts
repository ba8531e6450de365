import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { FolderLock, LOCK } from "./folder-lock.ts";

const place = scratchPlaces();

it("one at a time holds a folder", () => {
  const dir = place();
  const lock = FolderLock.take(dir);
  expect(() => FolderLock.take(dir)).toThrow(`${dir} is in use by process ${process.pid} on ${hostname()} since `);
  expect(() => FolderLock.refuseInUse(dir)).toThrow(/is in use/);
  lock.assertHeld();
  lock[Symbol.dispose]();
  FolderLock.refuseInUse(dir);
  expect(readdirSync(dir)).toEqual([]);
});

it("a lock that a killed process has left is taken over", () => {
  const dir = place();
  FolderLock.take(dir)[Symbol.dispose]();
  writeFileSync(join(dir, LOCK), `process 2147483646 on ${hostname()}`);
  FolderLock.refuseInUse(dir);
  using lock = FolderLock.take(dir);
  lock.assertHeld();
});

it("who has lost the folder hears of it", () => {
  const dir = place();
  const lock = FolderLock.take(dir);
  writeFileSync(join(dir, LOCK), "process 1 on another-machine");
  expect(() => lock.assertHeld()).toThrow(/Another process has taken over/);
  rmSync(dir, { recursive: true });
  expect(() => lock.assertHeld()).toThrow(/was removed or renamed while it was written to/);
});
