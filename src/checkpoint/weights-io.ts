/**
 * @file A model's weights from and to a Hugging Face folder. What is read keeps its layout (names, types, shards), so
 * that an export is written exactly as the checkpoint came.
 */
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJson } from "../models/config.ts";
import type { Model } from "../models/model.ts";
import { cast, equal, fromBytes, toDevice } from "../torch/ops.ts";
import { type DType, disposeAll, keep, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { SafetensorsFile, type TensorInfo, writeSafetensors } from "./safetensors.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** How a checkpoint's tensors lie in its files. */
export interface Layout {
  readonly files: readonly {
    name: string;
    tensors: readonly TensorInfo[];
    metadata: Readonly<Record<string, string>> | undefined;
  }[];
  /** The index of a sharded checkpoint, as it was. */
  readonly index: Record<string, unknown> | undefined;
}

/** Tables that older files store although they follow from the config. */
const IGNORED = /rotary_emb\.inv_freq$/;

/**
 * Reads every parameter of `model` from `dir` as a tensor on `device`: of float32, or of the type that `hold` gives for
 * its name and the type it is stored in.
 * @throws UserError listing every missing, unknown or misshapen tensor, and every copy of a parameter that is none
 */
export function readWeights(
  dir: string,
  model: Model,
  device: string,
  hold: (name: string, stored: DType) => DType = () => "float32",
): { parameters: Map<string, Tensor>; layout: Layout } {
  const index = existsSync(join(dir, INDEX)) ? readJson(dir, INDEX) : undefined;
  const names = index ? [...new Set(Object.values(weightMap(dir, index)))].sort() : [SINGLE];
  const files = names.map((name) => new SafetensorsFile(join(dir, name)));
  const wanted = model.parameterShapes();
  const parameters = new Map<string, Tensor>();
  const faults: string[] = [];
  const copies: Copy[] = [];
  for (const file of files) {
    for (const entry of file.entries) {
      const name = model.canonicalName(entry.name);
      const shape = wanted.get(name);
      const source = model.copyOf(name);
      if (source) copies.push({ name: entry.name, source, path: file.path, read: () => valuesOf(file, entry) });
      else if (!shape) {
        if (!IGNORED.test(name)) faults.push(`${entry.name} is not a parameter of this architecture (in ${file.path})`);
      } else if (parameters.has(name)) {
        faults.push(`${name} is stored twice (again in ${file.path})`);
      } else if (shape.join() !== entry.shape.join()) {
        faults.push(`${entry.name} has shape [${entry.shape}], the config wants [${shape}] (in ${file.path})`);
      } else {
        const held = hold(name, entry.dtype);
        parameters.set(name, keep(tidy(() => toDevice(cast(valuesOf(file, entry), held), device))));
      }
    }
  }
  for (const name of wanted.keys()) if (!parameters.has(name)) faults.push(`${name} is missing or unusable`);
  if (faults.length) {
    disposeAll(parameters);
    const shown = faults.slice(0, 10).map((fault) => `\n  - ${fault}`);
    const rest = faults.length > 10 ? `\n  … and ${faults.length - 10} more` : "";
    throw new UserError(
      `The weights in ${dir} do not fit its config.json:${shown.join("")}${rest}`,
      "Is the download complete, and of one model?",
    );
  }
  const other = copies.find((copy) => !isSame(copy, parameters));
  if (other) {
    disposeAll(parameters);
    throw new UserError(
      `${other.path} stores ${other.name} with other values than ${other.source}, although ${dir}/config.json ties the two.`,
      "If the head was trained on its own, set tie_word_embeddings to false in config.json, wherever it is said; " +
        "if not, remove the tensor or download the checkpoint again.",
    );
  }
  const layout: Layout = {
    files: files.map((file, i) => ({ name: names[i]!, tensors: file.entries, metadata: file.metadata })),
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

/** Whether a copy holds its parameter's values; which of two a model would use differs among versions of transformers. */
function isSame({ source, read }: Copy, parameters: ReadonlyMap<string, Tensor>): boolean {
  const parameter = parameters.get(source)!;
  return tidy(() => equal(toDevice(cast(read(), "float32"), parameter.device), cast(parameter, "float32")));
}

function valuesOf(file: SafetensorsFile, entry: SafetensorsFile["entries"][number]): Tensor {
  return fromBytes(file.read(entry), entry.shape, entry.dtype);
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
  const parameterOf = (stored: string) => {
    const name = model.canonicalName(stored);
    return model.copyOf(name) ?? name;
  };
  const isParameter = (stored: string) => parameters.has(parameterOf(stored));
  for (const { name, tensors, metadata } of layout.files) {
    const known = tensors.filter((tensor) => isParameter(tensor.name));
    writeSafetensors(
      join(dir, name),
      known,
      ({ name: stored, dtype }) => {
        const parameter = parameterOf(stored);
        return tidy(() => cast(finish(parameter, parameters.get(parameter)!), dtype).toBytes());
      },
      metadata,
    );
  }
  if (!layout.index) return;
  const entries = Object.entries(weightMap(dir, layout.index)).filter(([stored]) => isParameter(stored));
  const index = { ...layout.index, weight_map: Object.fromEntries(entries) };
  writeFileSync(join(dir, INDEX), `${JSON.stringify(index, null, 2)}\n`);
}

/** The shard of every tensor, by the index of the checkpoint in `dir`. */
function weightMap(dir: string, index: Record<string, unknown>): Record<string, string> {
  const map = z.record(z.string(), z.string()).safeParse(index.weight_map);
  if (!map.success)
    throw new UserError(`${join(dir, INDEX)} has no weight_map from tensors to files.`, "Download the file again.");
  return map.data;
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
