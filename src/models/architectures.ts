/** @file Architectures by the name in a checkpoint's config.json. */

import { readJson } from "../hub/checkpoint-files.ts";
import { UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";
import { InternVL } from "./internvl/internvl.ts";
import type { Model } from "./model.ts";
import { Qwen2_5_VL } from "./qwen2_5_vl/qwen-vl.ts";

const architectures: Record<string, (dir: string) => Model> = {
  Qwen2_5_VLForConditionalGeneration: (dir) => Qwen2_5_VL.read(dir),
  InternVLForConditionalGeneration: (dir) => InternVL.read(dir),
  InternVLChatModel: (dir) => InternVL.read(dir),
};

/** What says in a config that the weights are not stored as the numbers they stand for; the last is MLX's. */
const QUANTISED = ["quantization_config", "compression_config", "quantization"];

/** The model a checkpoint folder describes, without its weights. @throws UserError for one that is not computed here */
export function readModel(dir: string): Model {
  const config = readJson(dir, "config.json");
  refuseQuantised(dir, config);
  const { architectures: named } = config;
  const name = Array.isArray(named) && typeof named[0] === "string" ? named[0] : "none";
  const make = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (!make) {
    throw new UserError(
      `${dir}/config.json names the architecture ${name}, which is not supported.`,
      `Supported: ${Object.keys(architectures).join(", ")}.`,
    );
  }
  return make(dir);
}

function refuseQuantised(dir: string, config: JsonObject): void {
  const parts = [config, config.text_config, config.llm_config, config.vision_config].filter(isObject);
  for (const part of parts)
    for (const key of QUANTISED) {
      const found = part[key];
      if (found === undefined || found === null) continue;
      const method = isObject(found) ? (found.quant_method ?? found.format) : found;
      throw new UserError(
        `${dir}/config.json: ${key} says that the weights are quantised (${String(method ?? "method not named")}), which is not computed here.`,
        "Use the checkpoint that it was made from, in bfloat16, float16 or float32.",
      );
    }
}
