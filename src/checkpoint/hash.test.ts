import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { adapterDir } from "../../test/golden/lora/golden.ts";
import { scratch } from "../../test/tiny.ts";
import { modelHash } from "./hash.ts";

const dir = scratch();
const [base, adapter] = [join(dir, "base"), join(dir, "adapter")];

beforeEach(() => {
  for (const folder of [base, adapter]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(base);
  writeFileSync(join(base, "model.safetensors"), "weights");
  writeFileSync(join(base, "config.json"), "{}");
  cpSync(adapterDir, adapter, { recursive: true });
  const config = join(adapter, "adapter_config.json");
  const found = JSON.parse(readFileSync(config, "utf8")) as object;
  writeFileSync(config, JSON.stringify({ ...found, base_model_name_or_path: base }));
});

describe("a model's hash", () => {
  it("is of what answers depend on, not of the folder's place or its other files", async () => {
    const hash = await modelHash(base);
    cpSync(base, join(dir, "copy"), { recursive: true });
    writeFileSync(join(dir, "copy", "README.md"), "about it");
    expect(await modelHash(join(dir, "copy"))).toBe(hash);
    writeFileSync(join(base, "model.safetensors"), "Weights");
    expect(await modelHash(base)).not.toBe(hash);
  });

  it("is of an adapter and its base", async () => {
    const hash = await modelHash(adapter);
    expect(await modelHash(adapter)).toBe(hash);
    writeFileSync(join(base, "model.safetensors"), "Weights");
    expect(await modelHash(adapter)).not.toBe(hash);
    rmSync(base, { recursive: true });
    await expect(modelHash(adapter)).rejects.toThrow(`is an adapter for ${base}, which is not there`);
  });
});
