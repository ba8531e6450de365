/**
 * @file A checkpoint trained here and exported is what transformers computes from. The comparison is verify.py's; it needs
 * a Python with torch, transformers and pillow: `python3`, or the one named by GRIT_PYTHON.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readWeights } from "../../src/checkpoint/weights_io.ts";
import { PackAttention } from "../../src/models/attention.ts";
import { forward } from "../../src/models/forward.ts";
import { readModel } from "../../src/models/registry.ts";
import { Weights } from "../../src/models/weights.ts";
import { disposeAll, noGrad, tidy } from "../../src/torch/tensor.ts";
import type { Golden } from "../golden/golden.ts";
import { openTiny, promptOf, scratch } from "../tiny.ts";

const dir = scratch();
const python = process.env.GRIT_PYTHON ?? "python3";
const hasTransformers =
  spawnSync(python, [
    "-c",
    "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('torch', 'transformers', 'PIL'))))",
  ]).status === 0;

/** Trains a golden checkpoint for three steps, all of it, and exports it. */
function trainAndExport(name: string): { folder: string; golden: Golden } {
  const { engine, golden } = openTiny(name);
  const folder = join(dir, name);
  for (let step = 0; step < 3; step++) {
    engine.forwardBackward(
      golden.prompts.map((prompt) => ({
        prompt: promptOf(prompt),
        items: [{ ids: prompt.completion_ids, advantage: 0 }],
      })),
      { kind: "nll" },
    );
    engine.step({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 });
  }
  engine.export(folder);
  engine.dispose();
  return { folder, golden };
}

/** Writes what we compute from the exported folder as verify.py reads it; gives back the file and the logits. */
function writeExchange(folder: string, golden: Golden): { file: string; logits: Float32Array[] } {
  const exchange = join(folder, "..", `${golden.checkpoint}-exchange`);
  mkdirSync(exchange);
  const model = readModel(folder);
  const { parameters } = readWeights(folder, model, "cpu");
  const weights = new Weights(parameters);
  const store = (file: string, arrays: readonly Float32Array[]) => {
    writeFileSync(join(exchange, file), Buffer.concat(arrays.map((array) => new Uint8Array(array.buffer))));
    return file;
  };
  const logits: Float32Array[] = [];
  const prompts = golden.prompts.map((recorded, i) => {
    const { ids, images } = promptOf(recorded);
    const values = tidy(() =>
      noGrad(() => {
        const { rows } = model.positions(ids, images);
        const features = images.length ? { features_MD: model.encodeImages(weights, images) } : {};
        const attention = new PackAttention([{ root: ids.length, branches: [] }]);
        const hidden_TD = forward(model, weights, { ids, positions: rows, ...features }, attention);
        return model.logits(weights, hidden_TD).toFloats();
      }),
    );
    logits.push(values);
    const content = [...images.map(() => ({ type: "image" })), { type: "text", text: recorded.question }];
    return {
      name: recorded.name,
      input_ids: ids,
      image_grid_thw: images.map(({ grid_thw }) => grid_thw),
      ...(images.length && {
        pixel_values: store(
          `pixels-${i}.bin`,
          images.map(({ pixels }) => pixels),
        ),
      }),
      positions: [...ids.keys()],
      logits: store(`logits-${i}.bin`, [values]),
      messages: [{ role: "user", content }],
    };
  });
  disposeAll(parameters);
  const file = join(exchange, "logits.json");
  writeFileSync(file, JSON.stringify({ prompts }));
  return { file, logits };
}

function verify(folder: string, file: string) {
  const { status, stdout, stderr } = spawnSync(python, ["test/export/verify.py", folder, file], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1" },
  });
  return { status, output: `${stdout}${stderr}` };
}

// One in the newer nesting; one as the released 3B: flat, tied, bfloat16, in shards.
describe.each(["module", "released"])("%s, trained and exported", (name) => {
  const { folder, golden } = trainAndExport(name);
  const { file, logits } = writeExchange(folder, golden);

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
    const { status, output } = verify(folder, file);
    expect(status, output).toBe(0);
    expect(output).toMatch(/max difference \S+ over 4 prompts/);
  });
});
