/** @file Chat templates: a checkpoint's own Jinja template, rendered as the Python library renders it. */

import { Template } from "@huggingface/jinja";
import { readJsonIfPresent, readTextIfPresent } from "../hub/checkpoint-files.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject } from "../util/json-object.ts";

/** A part of a message. An image part stands for the next image. */
export type Part = { readonly type: "image" } | { readonly type: "text"; readonly text: string };

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** A template of both families' form: `image` for every image, `system` where the conversation brings no system turn. */
function chatMarkup(image: string, system?: string): string {
  const opening = `{%- if loop.first and message.role != 'system' %}
{{- '<|im_start|>system\\n${system}<|im_end|>\\n' }}
{%- endif %}
`;
  return `{%- for message in messages %}
${system === undefined ? "" : opening}{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content is string %}
{{- message.content }}
{%- else %}
{%- for part in message.content %}
{%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
{{- '${image}' }}
{%- elif 'text' in part %}
{{- part.text }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;
}

/** Renders as Qwen2.5-VL's released template does (images and text; a default system line): the tiny base carries it. */
export const QWEN_VL_TEMPLATE = chatMarkup(
  "<|vision_start|><|image_pad|><|vision_end|>",
  "You are a helpful assistant.",
);

/** The original's conversation `internvl2_5`, which InternVL3's checkpoints name; each image takes a line of its own. */
export const INTERNVL_TEMPLATE = chatMarkup(
  "<IMG_CONTEXT>\\n",
  "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。",
);

/** Renders as the template of InternVL3's `-hf` releases does, without a system line. */
export const INTERNVL_HF_TEMPLATE = chatMarkup("<IMG_CONTEXT>\\n");

/** A checkpoint's chat template. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, string>>;

  /** `variables` are what templates may name beside the messages: `bos_token`, `eos_token`, ... */
  constructor(source: string, variables: Readonly<Record<string, string>> = {}) {
    this.#template = new Template(source);
    this.#variables = variables;
  }

  /**
   * The template of a checkpoint folder: `chat_template.jinja`, `chat_template.json` or the one in
   * `tokenizer_config.json`, in the Python library's order. Throws `UserError` when there is none.
   */
  static load(dir: string): ChatTemplate {
    const template =
      ChatTemplate.loadFile(dir) ??
      ChatTemplate.#parse(dir, named(readJsonIfPresent(dir, "tokenizer_config.json")?.chat_template));
    if (template) return template;
    throw new UserError(
      `${dir} has no chat template.`,
      "Add chat_template.json, chat_template.jinja or chat_template in tokenizer_config.json, from the checkpoint's source.",
    );
  }

  /** The template of a folder that keeps it in a file of its own, or undefined. */
  static loadFile(dir: string): ChatTemplate | undefined {
    const json = () => named(readJsonIfPresent(dir, "chat_template.json")?.chat_template);
    return ChatTemplate.#parse(dir, readTextIfPresent(dir, "chat_template.jinja") ?? json());
  }

  static #parse(dir: string, source: string | undefined): ChatTemplate | undefined {
    if (source === undefined) return undefined;
    const config = readJsonIfPresent(dir, "tokenizer_config.json") ?? {};
    const variables: Record<string, string> = {};
    for (const key of ["bos_token", "eos_token", "pad_token", "unk_token"]) {
      const value = config[key];
      if (typeof value === "string") variables[key] = value;
      else if (isObject(value) && typeof value.content === "string") variables[key] = value.content;
    }
    try {
      return new ChatTemplate(source, variables);
    } catch (error) {
      throw new UserError(
        `The chat template in ${dir} cannot be parsed: ${messageOf(error)}.`,
        "Restore it from where the checkpoint came from.",
      );
    }
  }

  /** The conversation as one text; with `generationPrompt` it ends in the assistant's header. */
  render(messages: readonly Message[], { generationPrompt = true }: { generationPrompt?: boolean } = {}): string {
    return this.#template.render({ ...this.#variables, messages, add_generation_prompt: generationPrompt });
  }
}

/** A template given as text, or as a list of named ones of which `default` counts. */
function named(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const entry: unknown = value.find((item) => isObject(item) && item.name === "default");
  return isObject(entry) && typeof entry.template === "string" ? entry.template : undefined;
}
