/**
 * @file An adapter trained here is what PEFT applies to the base, and its merged export is the base with the adapter folded
 * in. The comparison is verify_adapter.py's; it needs a Python with torch, transformers, pillow and peft.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LoraOptions } from "../../src/engine/policy.ts";
import { scratch } from "../tiny.ts";
import { hasModules, python, runPython, trained, writeExchange } from "./exchange.ts";

const dir = scratch();
const hasPeft = hasModules("torch", "transformers", "PIL", "peft");
const everywhere: LoraOptions = {
  rank: 3,
  alpha: 6,
  dropout: 0.1,
  targets: "all-linear",
  parts: ["language", "vision", "connector"],
  seed: 4,
};

describe.each([
  ["qwen2_5_vl/tied", everywhere],
  ["qwen2_5_vl/full", { ...everywhere, targets: ["q_proj", "v_proj"], parts: ["language"] }],
  ["internvl/tied", everywhere],
  // The names of the files are not those of the modules.
  ["internvl/sharded", { ...everywhere, targets: ["q_proj", "down_proj", "linear_1"] }],
] as const)("an adapter trained on %s", (name, lora) => {
  it("gives the same logits in PEFT, and so does its merged export", ({ skip }) => {
    skip(!hasPeft, `${python} has no peft: name one that has by GRIT_PYTHON`);
    const folder = join(dir, name);
    const [adapter, merged] = [join(folder, "adapter"), join(folder, "merged")];
    const { engine, golden } = trained(name, { lora });
    engine.export(adapter);
    engine.export(merged, { merge: true });
    engine.dispose();
    const { file } = writeExchange(adapter, golden, join(folder, "exchange"));
    const { status, output } = runPython("verify_adapter.py", golden.dir, adapter, merged, file);
    expect(status, output).toBe(0);
    expect(output).toMatch(/max difference \S+ over 4 prompts/);
  });
});
