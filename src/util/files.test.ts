import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { UserError } from "./errors.ts";
import { needWritable, writeWhole } from "./files.ts";

const place = scratchPlaces();

it("what can be written is, and the check before it leaves nothing behind", () => {
  const dir = place();
  const path = join(dir, "deep", "file");
  needWritable(path);
  expect(existsSync(dir)).toBe(false);
  writeWhole(path, "whole");
  needWritable(path);
  expect(readdirSync(join(dir, "deep"))).toEqual(["file"]);
});

it.each([
  ["whose name is too long", () => join(place(), "x".repeat(300)), "ENAMETOOLONG"],
  ["below a file", () => join(fileAt(place()), "file"), "EEXIST"],
])("a path %s is refused before the work as it would be after it", (_, pathOf, code) => {
  const path = pathOf();
  for (const write of [() => needWritable(path), () => writeWhole(path, "")]) {
    expect(write).toThrow(UserError);
    expect(write).toThrow(`${path} cannot be written (${code}`);
  }
});

it("what a killed process has left is replaced, a link is not followed, and a folder of that name stays", () => {
  const [file, precious] = [place(), fileAt(place())];
  writeFileSync(`${file}.partial`, "half");
  writeWhole(file, "whole");
  symlinkSync(precious, `${file}.partial`);
  writeWhole(file, "again");
  expect(readFileSync(precious, "utf8")).toBe("");
  mkdirSync(join(`${file}.partial`, "something"), { recursive: true });
  expect(() => writeWhole(file, "")).toThrow(UserError);
  expect(readdirSync(`${file}.partial`)).toEqual(["something"]);
  expect(readFileSync(file, "utf8")).toBe("again");
});

it("a folder may be made beside what an earlier attempt has left", () => {
  const out = place();
  mkdirSync(`${out}.partial`);
  needWritable(`${out}/`);
  expect(existsSync(out)).toBe(false);
});

function fileAt(path: string): string {
  writeFileSync(path, "");
  return path;
}

it.skipIf(!existsSync("/proc/self"))("a place where no folder can be made is refused, and not waited for", () => {
  expect(() => needWritable("/proc/none/x/y.json")).toThrow(/\/proc\/none\/x\/y\.json cannot be written \(ENOENT/);
  expect(() => writeWhole("/proc/none/y.json", "")).toThrow(UserError);
});
