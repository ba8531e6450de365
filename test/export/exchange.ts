/**
 * @file What the comparisons with Python share: what we compute from a folder, written as verify.py reads it, and the Python
 * that computes it again: `python3`, or the one named by GRIT_PYTHON.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { LocalEngine } from "../../src/engine/local.ts";
import { Policy } from "../../src/engine/policy.ts";
import { PackAttention } from "../../src/models/attention.ts";
import { encodeImages, forward } from "../../src/models/forward.ts";
import { noGrad, tidy } from "../../src/torch/tensor.ts";
import { DEVICE } from "../device.ts";
import { type Golden, loadGolden } from "../golden/golden.ts";
import { promptOf } from "../tiny.ts";

export const python = process.env.GRIT_PYTHON ?? "python3";

/** Does that Python find these modules? */
export function hasModules(...names: readonly string[]): boolean {
  const find = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))";
  return spawnSync(python, ["-c", find, ...names]).status === 0;
}

/** Runs a script of this folder; its exit code and all that it printed. */
export function runPython(script: string, ...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(python, [join("test/export", script), ...args], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1" },
  });
  return { status, output: `${stdout}${stderr}` };
}

/** An engine over a golden checkpoint, trained for three steps on its recorded completions. The caller disposes it. */
export function trained(name: string, options: EngineOptions = {}): { engine: LocalEngine; golden: Golden } {
  const golden = loadGolden(name);
  const engine = new LocalEngine(golden.dir, { device: DEVICE, precision: "float32", ...options });
  const groups = golden.prompts.map((prompt) => ({
    prompt: promptOf(prompt),
    items: [{ ids: prompt.completion_ids, advantage: 0 }],
  }));
  for (let step = 0; step < 3; step++) {
    engine.forwardBackward(groups, { kind: "nll" });
    engine.step({ lr: options.lora ? 1e-2 : 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 });
  }
  return { engine, golden };
}

/**
 * Writes what we compute from a checkpoint's or an adapter's folder for the recorded prompts, as verify.py reads it, into the
 * new folder `exchange`; gives back the file and the logits [tokens, vocabulary] of each prompt.
 */
export function writeExchange(
  folder: string,
  golden: Golden,
  exchange: string,
): { file: string; logits: Float32Array[] } {
  mkdirSync(exchange);
  const policy = new Policy(folder, {
    device: DEVICE,
    precision: "float32",
    freeze: [],
    reference: false,
    lora: undefined,
    offload: { reference: false, optimizer: false },
  });
  const { model, weights } = policy;
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
        const features = images.length ? { features_MD: encodeImages(model, weights, images) } : {};
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
  policy.dispose();
  const file = join(exchange, "logits.json");
  writeFileSync(file, JSON.stringify({ prompts }));
  return { file, logits };
}
