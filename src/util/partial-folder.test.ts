import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { PartialFolder } from "./partial-folder.ts";

const place = scratchPlaces();

/** A folder as a killed process leaves it. */
function abandoned(out: string): void {
  mkdirSync(join(`${out}.partial`, "whole"), { recursive: true });
  writeFileSync(join(`${out}.partial`, "whole", "old"), "old");
  writeFileSync(join(`${out}.partial`, ".lock"), `process 2147483646 on ${hostname()}`);
}

it("gives a whole folder its name, and what a killed process has left is gone", () => {
  const out = place();
  abandoned(out);
  const partial = PartialFolder.take(out);
  expect(readdirSync(partial.dir)).toEqual([".lock"]);
  mkdirSync(partial.path("whole"));
  writeFileSync(join(partial.path("whole"), "new"), "new");
  expect(existsSync(out)).toBe(false);
  partial.commit("whole");
  partial.remove();
  expect(readdirSync(out)).toEqual(["new"]);
  expect(existsSync(partial.dir)).toBe(false);
});

it("belongs to one at a time", () => {
  const out = place();
  const first = PartialFolder.take(out);
  writeFileSync(first.path("part"), "first");
  expect(() => PartialFolder.take(out)).toThrow(/\.partial is in use by process \d+ on .*\n.*Wait until that ends/);
  expect(readFileSync(first.path("part"), "utf8")).toBe("first");
  first[Symbol.dispose]();
  PartialFolder.take(out).remove();
});

it("replaces a file, and never a folder that has come meanwhile", () => {
  const [file, folder] = [place(), place()];
  writeFileSync(file, "old");
  const ofFile = PartialFolder.take(file);
  writeFileSync(ofFile.path("part"), "new");
  ofFile.commit("part");
  ofFile.remove();
  expect(readFileSync(file, "utf8")).toBe("new");

  const ofFolder = PartialFolder.take(folder);
  mkdirSync(ofFolder.path("part"));
  mkdirSync(join(folder, "something"), { recursive: true });
  expect(() => ofFolder.commit("part")).toThrow(/has come into being meanwhile.*\n.*Choose another/);
  ofFolder.remove();
});

it("is no link that leads elsewhere", () => {
  const [out, elsewhere] = [place(), place()];
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "precious"), "");
  symlinkSync(elsewhere, `${out}.partial`);
  PartialFolder.take(out).remove();
  expect(readdirSync(elsewhere)).toEqual(["precious"]);
});
