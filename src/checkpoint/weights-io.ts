/**
 * @file A model's weights from and to a Hugging Face folder. What is read keeps its layout (names, types, shards), so
 * that an export is written exactly as the checkpoint came.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "../models/model.ts";
import { INDEX, openWeightFiles, SINGLE, type WeightIndex } from "../models/weight-files.ts";
import { cast, equal } from "../torch/ops.ts";
import { SafetensorsFile, type TensorInfo, writeSafetensors } from "../torch/safetensors.ts";
import { type DType, disposeAll, keep, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";
import { readTensor } from "./read-tensor.ts";

/** How a checkpoint's tensors lie in its files. */
export interface Layout {
  readonly files: readonly {
    name: string;
    tensors: readonly TensorInfo[];
    metadata: Readonly<Record<string, string>> | undefined;
  }[];
  /** The index of a sharded checkpoint, as it was. */
  readonly index: WeightIndex | undefined;
}

/** Tables that older files store although they follow from the config. */
const IGNORED = /rotary_emb\.inv_freq$/;

/**
 * Reads every parameter of `model` from `dir` as a tensor on `device`, which may differ by name: of float32, or of the type that `hold` gives for
 * its name and the type it is stored in.
 * @throws UserError listing every missing, unknown or misshapen tensor, for a copy of a parameter that is none, and for
 * weights that are not finite
 */
export function readWeights(
  dir: string,
  model: Model,
  device: string | ((name: string) => string),
  hold: (name: string, stored: DType) => DType = () => "float32",
): { parameters: Map<string, Tensor>; layout: Layout } {
  const { files, index } = openWeightFiles(dir);
  const wanted = model.parameterShapes();
  const place = (name: string) => (typeof device === "string" ? device : device(name));
  const misshapen = new Set<string>();
  const stored = new Map<string, { file: SafetensorsFile; entry: SafetensorsFile["entries"][number] }>();
  const faults: string[] = [];
  const copies: Copy[] = [];
  for (const file of files.values()) {
    for (const entry of file.entries) {
      const name = model.canonicalName(entry.name);
      const shape = wanted.get(name);
      const source = model.copyOf(name);
      if (source)
        copies.push({
          name: entry.name,
          source,
          path: file.path,
          read: () => readTensor(file, entry, "float32", place(source)),
        });
      else if (!shape) {
        if (!IGNORED.test(name)) faults.push(`${entry.name} is not a parameter of this architecture (in ${file.path})`);
      } else if (stored.has(name)) {
        faults.push(`${name} is stored twice (again in ${file.path})`);
      } else if (shape.join() !== entry.shape.join()) {
        misshapen.add(name);
        faults.push(`${entry.name} has shape [${entry.shape}], the config wants [${shape}] (in ${file.path})`);
      } else stored.set(name, { file, entry });
    }
  }
  for (const name of wanted.keys()) if (!stored.has(name) && !misshapen.has(name)) faults.push(`${name} is missing`);
  if (faults.length)
    throw new UserError(
      [`The weights in ${dir} do not fit its config.json:`, ...firstFew(faults)].join("\n  "),
      "Is the download complete, and of one model?",
    );
  const parameters = new Map<string, Tensor>();
  try {
    for (const [name, { file, entry }] of stored) {
      const held = hold(name, entry.dtype);
      parameters.set(name, keep(readTensor(file, entry, held, place(name))));
    }
    for (const copy of copies) checkCopy(copy, parameters, dir);
  } catch (error) {
    disposeAll(parameters);
    throw error;
  }
  const layout: Layout = {
    files: [...files].map(([name, { entries, metadata }]) => ({ name, tensors: entries, metadata })),
    index,
  };
  return { parameters, layout };
}

/** A stored tensor that must repeat a parameter. */
interface Copy {
  readonly name: string;
  readonly source: string;
  readonly path: string;
  readonly read: () => Tensor;
}

/**
 * @throws UserError unless a copy holds its parameter's values: which of the two a model would use differs among versions of
 * transformers
 */
function checkCopy({ name, source, path, read }: Copy, parameters: ReadonlyMap<string, Tensor>, dir: string): void {
  const parameter = parameters.get(source)!;
  if (tidy(() => equal(read(), cast(parameter, "float32")))) return;
  throw new UserError(
    `${path} stores ${name} with other values than ${source}, although ${dir}/config.json ties the two.`,
    "If the head was trained on its own, set tie_word_embeddings to false in config.json, wherever it is said; " +
      "if not, remove the tensor or download the checkpoint again.",
  );
}

/** The parameters that `writeWeights` asks `finish` for, in its order. */
export function writtenParameters(model: Model, parameters: ReadonlyMap<string, Tensor>, layout: Layout): string[] {
  return layout.files.flatMap(({ tensors }) =>
    tensors.map(({ name }) => parameterOf(model, name)).filter((name) => parameters.has(name)),
  );
}

/** The parameter that a tensor of a checkpoint holds. */
function parameterOf(model: Model, stored: string): string {
  const name = model.canonicalName(stored);
  return model.copyOf(name) ?? name;
}

/**
 * Writes the parameters into `dir` in the layout they were read in: same names, types, order and shards, a copy of a
 * parameter beside it where there was one. `finish` may give another tensor than the one held; one at a time is in memory.
 */
export function writeWeights(
  dir: string,
  model: Model,
  parameters: ReadonlyMap<string, Tensor>,
  layout: Layout,
  finish: (name: string, tensor: Tensor) => Tensor = (_, tensor) => tensor,
): void {
  const isParameter = (stored: string) => parameters.has(parameterOf(model, stored));
  for (const { name, tensors, metadata } of layout.files) {
    const known = tensors.filter((tensor) => isParameter(tensor.name));
    writeSafetensors(
      join(dir, name),
      known,
      ({ name: stored, dtype }) => {
        const parameter = parameterOf(model, stored);
        return cast(finish(parameter, parameters.get(parameter)!), dtype);
      },
      metadata,
    );
  }
  if (!layout.index) return;
  const entries = Object.entries(layout.index.weight_map).filter(([stored]) => isParameter(stored));
  const index = { ...layout.index, weight_map: Object.fromEntries(entries) };
  writeFileSync(join(dir, INDEX), `${JSON.stringify(index, null, 2)}\n`);
}

/** Bytes of each tensor that `fingerprint` reads. */
const SEEN = 4096;

/** A hash that tells a model's weights in `dir` from others of the same shape: of the first bytes of every tensor. */
export function fingerprint(dir: string, model: Model, layout: Layout): string {
  const parts = layout.files.flatMap(({ name }) => {
    const file = new SafetensorsFile(join(dir, name));
    return file.entries.map((entry) => [model.canonicalName(entry.name), file.read(entry, SEEN)] as const);
  });
  const hash = createHash("sha256");
  for (const [name, bytes] of parts.sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytes);
  return hash.digest("hex");
}

/** One file with every parameter in `dtype`: the layout of a checkpoint made here. */
export function singleFile(shapes: ReadonlyMap<string, readonly number[]>, dtype: DType): Layout {
  const tensors = [...shapes].map(([name, shape]) => ({ name, dtype, shape }));
  return { files: [{ name: SINGLE, tensors, metadata: { format: "pt" } }], index: undefined };
}
