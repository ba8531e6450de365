/** @file Architectures by the name in a checkpoint's config.json. */
import { UserError } from "../util/errors.ts";
import { readJson } from "./config.ts";
import { InternVL } from "./internvl/internvl.ts";
import type { Model } from "./model.ts";
import { Qwen2_5_VL } from "./qwen2_5_vl/qwen-vl.ts";

const architectures: Record<string, (dir: string) => Model> = {
  Qwen2_5_VLForConditionalGeneration: (dir) => Qwen2_5_VL.read(dir),
  InternVLForConditionalGeneration: (dir) => InternVL.read(dir),
  InternVLChatModel: (dir) => InternVL.read(dir),
};

/** The model a checkpoint folder describes, without its weights. @throws UserError for an unknown architecture. */
export function readModel(dir: string): Model {
  const { architectures: named } = readJson(dir, "config.json");
  const name = Array.isArray(named) ? String(named[0]) : "none";
  const make = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (!make) {
    throw new UserError(
      `${dir}/config.json names the architecture ${name}, which is not supported.`,
      `Supported: ${Object.keys(architectures).join(", ")}.`,
    );
  }
  return make(dir);
}
