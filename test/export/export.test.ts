/**
 * @file A checkpoint trained here and exported is what transformers computes from. The comparison is verify.py's; it needs
 * a Python with torch, transformers and pillow.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratch } from "../tiny.ts";
import { hasModules, python, runPython, trained, writeExchange } from "./exchange.ts";

const dir = scratch();
const hasTransformers = hasModules("torch", "transformers", "PIL");

// Of Qwen2.5-VL one in the newer nesting, and one as the released 3B: flat, tied, bfloat16, in shards. Of InternVL3, of which
// transformers reads the -hf layouts alone, one in the newer nesting, and one with the names of the released files, in shards.
describe.each(["qwen2_5_vl/module", "qwen2_5_vl/released", "internvl/tied", "internvl/sharded"])(
  "%s, trained and exported",
  (name) => {
    const folder = join(dir, name);
    const { engine, golden } = trained(name);
    engine.export(folder);
    engine.dispose();
    const { file, logits } = writeExchange(folder, golden, `${folder}-exchange`);

    it("computes something else than before", () => {
      for (const [i, { name, input_ids }] of golden.prompts.entries()) {
        const before = golden.array(`${name}/logits`).data;
        const columns = before.length / golden.array(`${name}/logits`).shape[0]!;
        const vocabulary = logits[i]!.length / input_ids.length;
        const moved = input_ids.some((_, t) => Math.abs(logits[i]![t * vocabulary]! - before[t * columns]!) > 1e-2);
        expect(moved, name).toBe(true);
      }
    });

    it("loads in transformers, which renders, tokenizes and computes the same", ({ skip }) => {
      skip(!hasTransformers, `${python} has no transformers: name one that has by GRIT_PYTHON`);
      const { status, output } = runPython("verify.py", folder, file);
      expect(status, output).toBe(0);
      expect(output).toMatch(/max difference \S+ over 4 prompts/);
    });
  },
);
