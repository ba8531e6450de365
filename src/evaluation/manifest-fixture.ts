/** @file Evaluations made up for tests. */
import type { Evaluation, Manifest, Measured } from "./manifest.ts";

/** A manifest of one set, `vsr`, with as many samples. */
export function makeManifest(fields: Partial<Manifest> = {}, samples = 4): Manifest {
  return {
    name: "grit",
    model: { path: "models/a", sha256: "aa" },
    prompt: { method: "grit", text: "<image>{question}", prefix: "", stop: ["</answer>"], answer: "tag" },
    image: { minPixels: 3136, maxPixels: 200704 },
    decoding: { temperature: 0, maxTokens: 100, seed: 1 },
    judge: { name: "exact" },
    precision: "float32",
    device: "cpu",
    sets: { vsr: { samples, sha256: "da7a" } },
    versions: { grit: "1" },
    ...fields,
  };
}

/** An evaluation of `vsr` whose samples have these scores, IoUs one tenth of them; null is unscored. */
export function makeEvaluation(
  accs: readonly (number | null)[],
  manifest: Partial<Manifest> = {},
  samples = accs.length,
): Evaluation {
  const measured = accs.map((acc, i): Measured => {
    const giou = (acc ?? 0) / 10;
    return {
      id: `vsr-${i}`,
      set: "vsr",
      dataset: "vsr",
      acc,
      giou,
      giouRaw: giou,
      f1: giou,
      yesNo: null,
      choice: null,
    };
  });
  return { dir: `runs/${manifest.name ?? "grit"}`, manifest: makeManifest(manifest, samples), samples: measured };
}

/** As `makeEvaluation`, all samples right, with these measurements of their own. */
export function makeMeasured(
  measured: readonly Partial<Measured>[],
  manifest: Partial<Manifest> = {},
  samples = measured.length,
): Evaluation {
  const evaluation = makeEvaluation(
    measured.map(() => 1),
    manifest,
    samples,
  );
  return { ...evaluation, samples: evaluation.samples.map((sample, i) => ({ ...sample, ...measured[i] })) };
}
