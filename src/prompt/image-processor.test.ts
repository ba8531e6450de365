import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { ProcessorFile } from "./image-processor.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "grit-processor-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const OWN = "preprocessor_config.json";
const NESTED = "processor_config.json";
const write = (name: string, json: object) => writeFileSync(path.join(dir, name), JSON.stringify(json));

describe("ProcessorFile", () => {
  it("prefers the settings nested in processor_config.json, as transformers does", () => {
    expect(ProcessorFile.find(dir)).toBeUndefined();
    write(OWN, { patch_size: 14 });
    expect(ProcessorFile.find(dir)).toMatchObject({ file: path.join(dir, OWN), json: { patch_size: 14 } });
    write(NESTED, { image_seq_length: 4 });
    expect(ProcessorFile.find(dir)).toMatchObject({ file: path.join(dir, OWN) });
    write(NESTED, { image_processor: { patch_size: 7 } });
    expect(ProcessorFile.find(dir)).toMatchObject({ file: path.join(dir, NESTED), json: { patch_size: 7 } });
  });

  it.each([
    ["do_convert_rgb", false],
    ["do_resize", false],
    ["resample", 2],
    ["do_rescale", false],
    ["rescale_factor", 1 / 127.5],
    ["do_normalize", false],
  ])("refuses %s: %s by name, in either file", (key, value) => {
    write(OWN, { [key]: value });
    expect(() => ProcessorFile.find(dir)).toThrow(UserError);
    expect(() => ProcessorFile.find(dir)).toThrow(`${path.join(dir, OWN)}: ${key} is ${value}; only `);
    write(NESTED, { image_processor: { [key]: value } });
    expect(() => ProcessorFile.find(dir)).toThrow(`${path.join(dir, NESTED)}: ${key} is ${value}; only `);
  });

  it("takes them as they are released, written out or left out", () => {
    const released = { do_resize: true, resample: 3, do_rescale: true, do_normalize: true, rescale_factor: null };
    write(OWN, { ...released, rescale_factor: 0.00392156862745098 });
    expect(ProcessorFile.find(dir)).toBeDefined();
    write(OWN, released);
    expect(ProcessorFile.find(dir)).toBeDefined();
  });
});
