/** @file The safetensors files of a checkpoint: one, or the shards that an index names. Their headers are read, no tensor. */
import { join } from "node:path";
import { z } from "zod";
import { fileIn, isPlainName, readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { SafetensorsFile } from "../torch/safetensors.ts";
import { UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";
import type { JsonObject } from "../util/json-object.ts";

export const SINGLE = "model.safetensors";
export const INDEX = "model.safetensors.index.json";

/** An index: the file of each tensor, and what else it says. */
export type WeightIndex = JsonObject & { readonly weight_map: Readonly<Record<string, string>> };

export interface WeightFiles {
  /** By their names, in order. */
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  /** Of a checkpoint in shards. */
  readonly index: WeightIndex | undefined;
}

/**
 * Opens the files that hold the weights of the checkpoint in `dir`.
 * @throws UserError when one is missing or broken, when the index leads out of the folder, or names what is not there
 */
export function openWeightFiles(dir: string): WeightFiles {
  const index = readIndex(dir);
  const names = index ? [...new Set(Object.values(index.weight_map))].sort() : [SINGLE];
  const files = new Map(names.map((name) => [name, new SafetensorsFile(fileIn(dir, name) ?? join(dir, name))]));
  if (index) checkIndex(join(dir, INDEX), index, files);
  return { files, index };
}

/** The names of the tensors of the checkpoint in `dir`, by its index where it has one; none where it has no weights yet. */
export function storedNames(dir: string): string[] {
  const index = readIndex(dir);
  if (index) return Object.keys(index.weight_map);
  const single = fileIn(dir, SINGLE);
  return single ? new SafetensorsFile(single).entries.map(({ name }) => name) : [];
}

function readIndex(dir: string): WeightIndex | undefined {
  const json = readJsonIfPresent(dir, INDEX);
  if (!json) return undefined;
  const path = join(dir, INDEX);
  const map = z.record(z.string(), z.string()).safeParse(json.weight_map);
  if (!map.success) throw new UserError(`${path} has no weight_map from tensors to files.`, "Download the file again.");
  const stray = Object.entries(map.data).find(([, file]) => !isPlainName(file) || !file.endsWith(".safetensors"));
  if (stray)
    throw new UserError(
      `${path}: weight_map names ${JSON.stringify(stray[1])} for ${stray[0]}, which is not a safetensors file in the folder.`,
      "Download the file again, from where the checkpoint came from.",
    );
  if (fileIn(dir, SINGLE) && Object.values(map.data).some((file) => file !== SINGLE))
    throw new UserError(
      `${dir} has both ${SINGLE} and ${INDEX}, and they may hold different weights.`,
      "Remove the one that does not belong to the checkpoint.",
    );
  return { ...json, weight_map: map.data };
}

/** Fails unless every tensor of the index is in the file it names. */
function checkIndex(path: string, { weight_map }: WeightIndex, files: WeightFiles["files"]): void {
  const held = new Map([...files].map(([name, { entries }]) => [name, new Set(entries.map((entry) => entry.name))]));
  const faults = new Faults();
  for (const [tensor, file] of Object.entries(weight_map))
    if (!held.get(file)!.has(tensor)) faults.add(tensor, `is not in ${file}`);
  faults.throwIfAny(
    `${path} names tensors that are not there`,
    "Download the index and its shards again, of one version.",
  );
}
