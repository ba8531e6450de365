/**
 * @file What differs between model families in a prompt: their placeholders, image processors, chat templates and the space
 * of their boxes. To add a family, add an entry to `families`.
 */

import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import type { Space } from "../records.ts";
import { UserError } from "../util/errors.ts";
import type { ImageOptions, ImageProcessor } from "./image-processor.ts";
import { InternVLImageProcessor } from "./internvl-image.ts";
import { QwenImageProcessor } from "./qwen-image.ts";
import { ChatTemplate, INTERNVL_TEMPLATE } from "./template.ts";

export interface Family {
  /** The space in which the model writes boxes. */
  readonly boxSpace: Space;
  /** What the chat template writes for an image. */
  readonly imageToken: string;
  readonly imageStart: string;
  readonly imageEnd: string;
  /** Whether start and end come from the chat template too. */
  readonly templateFrames: boolean;
  /** Further tokens that are never sampled. */
  readonly placeholders: readonly string[];
  /** Both throw `UserError` for a folder that lacks what they read. */
  loadImages(dir: string, options: ImageOptions): ImageProcessor;
  loadTemplate(dir: string): ChatTemplate;
}

const qwen: Family = {
  boxSpace: "frame",
  imageToken: "<|image_pad|>",
  imageStart: "<|vision_start|>",
  imageEnd: "<|vision_end|>",
  templateFrames: true,
  placeholders: ["<|vision_pad|>", "<|video_pad|>"],
  loadImages: (dir, options) => QwenImageProcessor.load(dir, options),
  loadTemplate: (dir) => ChatTemplate.load(dir),
};

const internvl: Family = {
  boxSpace: "permille",
  imageToken: "<IMG_CONTEXT>",
  imageStart: "<img>",
  imageEnd: "</img>",
  templateFrames: false,
  placeholders: ["<video>"],
  loadImages: (dir, options) => InternVLImageProcessor.load(dir, options),
  loadTemplate: (dir) => ChatTemplate.load(dir),
};

const original: Family = {
  ...internvl,
  loadImages: (dir, options) => InternVLImageProcessor.loadOriginal(dir, options),
  loadTemplate: loadConversation,
};

/** By the `model_type` in config.json. */
const families: Record<string, Family> = { qwen2_5_vl: qwen, internvl, internvl_chat: original };

/** The family of a checkpoint folder. Throws `UserError` for one that is not supported. */
export function familyOf(dir: string): Family {
  const name = String(readJsonIfPresent(dir, "config.json")?.model_type ?? "none");
  const family = Object.hasOwn(families, name) ? families[name] : undefined;
  if (family) return family;
  throw new UserError(
    `${dir}/config.json names the model type ${name}, which is not supported.`,
    `Supported: ${Object.keys(families).join(", ")}.`,
  );
}

/**
 * Checkpoints in the original layout keep their conversation template in code, and their config names it. The template in their
 * `tokenizer_config.json` is the language model's and cannot take images; one in a file of its own is used instead.
 */
function loadConversation(dir: string): ChatTemplate {
  const own = ChatTemplate.loadFile(dir);
  if (own) return own;
  const name = readJsonIfPresent(dir, "config.json")?.template;
  if (name === "internvl2_5") return new ChatTemplate(INTERNVL_TEMPLATE);
  throw new UserError(
    `${dir}/config.json names the conversation template ${name ?? "none"}; internvl2_5 is supported.`,
    "Add chat_template.jinja, which is used instead.",
  );
}
