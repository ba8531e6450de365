/** @file `grit pretrain` from nothing, a step a cycle: which parts a cycle keeps, and the mean of what cycles gave. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { averageCheckpoints } from "../../src/checkpoint/average.ts";
import { differences } from "../../src/checkpoint/compare-checkpoints.ts";
import { readModel } from "../../src/models/architectures.ts";
import { grit } from "../commands.ts";
import { FRESH, scratch } from "../tiny.ts";

const dir = scratch();

const stage = { steps: 1, scenes: 2, lessons: 2, kinds: { detect: 1, grit: 1 }, styles: { look: 1 } };
const cycle = (freeze: string[]) => ({ lr: 1e-2, warmup_steps: 0, freeze, stages: [stage] });
const keeping = cycle(["vision", "connector"]);
const whole = cycle([]);

const recipe = {
  ...FRESH,
  precision: "float32",
  micro_batch_tokens: 4096,
  vision: { steps: 1, scenes_per_step: 1, lr: 1e-3 },
  optimizer: { betas: [0.9, 0.98], weight_decay: 0.05, clip_norm: 1 },
  mixture: { datasets: { gqa: 1, tallyqa: 1 } },
};

/** The folder that the recipe with these cycles makes. */
async function pretrained(name: string, cycles: object[], average = 1): Promise<string> {
  const file = join(dir, `${name}.yaml`);
  const out = join(dir, name);
  writeFileSync(file, JSON.stringify({ ...recipe, cycles, average }));
  const ran = await grit("pretrain", file, "--out", out);
  expect(ran.code, ran.err).toBe(0);
  return out;
}

it("gives what the recipe says, again and again", async () => {
  const once = await pretrained("once", [keeping]);
  const [again, twice, moved, mean] = [
    await pretrained("again", [keeping]),
    await pretrained("twice", [keeping, keeping]),
    await pretrained("moved", [keeping, whole]),
    await pretrained("mean", [keeping, keeping], 2),
  ];
  const model = readModel(once);
  expect(differences(model, once, again)).toEqual([]);
  const seeing = (lines: string[]) => lines.filter((line) => line.includes("visual."));
  expect(differences(model, once, twice)).not.toEqual([]);
  expect(seeing(differences(model, once, twice))).toEqual([]);
  expect(seeing(differences(model, once, moved))).not.toEqual([]);
  const wanted = join(dir, "wanted");
  averageCheckpoints([once, twice], wanted);
  expect(differences(model, wanted, mean)).toEqual([]);
});
