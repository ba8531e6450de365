/** @file Chat templates: renders a checkpoint's own Jinja template as the Python library does. */

import path from "node:path";
import { Template } from "@huggingface/jinja";
import { readJsonIfPresent, readTextIfPresent } from "../hub/checkpoint-files.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject } from "../util/json-object.ts";
import { within } from "../util/within.ts";

/** A part of a message. An image part stands for the next image. */
export type Part = { readonly type: "image" } | { readonly type: "text"; readonly text: string };

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** A template of the form that both families use: `image` for every image, `system` if the conversation has no system turn. */
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

/** Numbers of a `range()`, as in the Python library's sandbox (jinja2.sandbox.MAX_RANGE). */
const LONGEST_RANGE = 100_000;
/** What a template's `range` is called here: a name that no template can write. */
const RANGE = "range()";

/** Jinja's `range`, bounded. @throws Error for more numbers than that */
function range(...given: readonly number[]): number[] {
  const [start, stop, step = 1] = given.length > 1 ? given : [0, given[0]];
  const count = Math.max(0, Math.ceil((stop! - start!) / step));
  if (!(count <= LONGEST_RANGE)) throw new Error(`range() of ${count} numbers, where ${LONGEST_RANGE} are the most`);
  return Array.from({ length: count }, (_, i) => start! + i * step);
}

/** The library's own `range` is of any length: a parsed template asks for ours instead. */
function renameRange(node: unknown): void {
  if (Array.isArray(node) || node instanceof Map) for (const part of node) renameRange(part);
  else if (typeof node === "object" && node !== null) {
    if ("type" in node && node.type === "Identifier" && "value" in node && node.value === "range") node.value = RANGE;
    else renameRange(Object.values(node));
  }
}

/** Seconds that rendering may take: a template of the families takes a thousandth of one, an endless list 2 GB a second. */
const MOST_SECONDS = 0.25;
/** Characters that a template may write beside its messages. */
const LONGEST = 2 ** 20;

const RESTORE = "Restore it from where the checkpoint came from.";

/** A checkpoint's chat template. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, string>>;
  /** What messages call it. */
  readonly name: string;

  /**
   * `variables` can be used in the template beside the messages: `bos_token`, `eos_token`, ...
   * @throws UserError when it cannot be parsed
   */
  constructor(source: string, variables: Readonly<Record<string, string>> = {}, name = "The chat template") {
    this.#variables = variables;
    this.name = name;
    try {
      this.#template = within(MOST_SECONDS, () => new Template(source));
      renameRange(this.#template.parsed);
    } catch (error) {
      throw new UserError(`${name} cannot be parsed: ${messageOf(error)}.`, RESTORE);
    }
  }

  /**
   * The template of a checkpoint folder: `chat_template.jinja`, `chat_template.json` or the one in
   * `tokenizer_config.json`, in the Python library's order. Throws `UserError` when there is none.
   */
  static load(dir: string): ChatTemplate {
    const template = ChatTemplate.loadFile(dir) ?? ChatTemplate.#fromJson(dir, "tokenizer_config.json");
    if (template) return template;
    throw new UserError(
      `${dir} has no chat template.`,
      "Add chat_template.json, chat_template.jinja or chat_template in tokenizer_config.json, from the checkpoint's source.",
    );
  }

  /** The template of a folder that keeps it in a file of its own, or undefined. */
  static loadFile(dir: string): ChatTemplate | undefined {
    const source = readTextIfPresent(dir, "chat_template.jinja");
    if (source !== undefined) return ChatTemplate.#ofFolder(dir, source, "chat_template.jinja");
    return ChatTemplate.#fromJson(dir, "chat_template.json");
  }

  static #fromJson(dir: string, file: string): ChatTemplate | undefined {
    const source = chosen(readJsonIfPresent(dir, file)?.chat_template, path.join(dir, file));
    return source === undefined ? undefined : ChatTemplate.#ofFolder(dir, source, file);
  }

  static #ofFolder(dir: string, source: string, file: string): ChatTemplate {
    const config = readJsonIfPresent(dir, "tokenizer_config.json") ?? {};
    const variables: Record<string, string> = {};
    for (const key of ["bos_token", "eos_token", "pad_token", "unk_token"]) {
      const value = config[key];
      if (typeof value === "string") variables[key] = value;
      else if (isObject(value) && typeof value.content === "string") variables[key] = value.content;
    }
    return new ChatTemplate(source, variables, `The chat template in ${path.join(dir, file)}`);
  }

  /**
   * The conversation as one text; with `generationPrompt` it ends in the assistant's header. Throws `UserError` when the template
   * raises an error, does not end, or loses the text of a message.
   */
  render(messages: readonly Message[], { generationPrompt = true }: { generationPrompt?: boolean } = {}): string {
    const values = { ...this.#variables, messages, add_generation_prompt: generationPrompt, [RANGE]: range };
    let rendered: string;
    try {
      rendered = within(MOST_SECONDS, () => this.#template.render(values));
    } catch (error) {
      throw new UserError(
        `${this.name} cannot be rendered: ${messageOf(error) || "it raises an error without a word"}.`,
        RESTORE,
      );
    }
    const texts = messages.flatMap(({ content }) =>
      typeof content === "string" ? [content] : content.flatMap((part) => (part.type === "text" ? [part.text] : [])),
    );
    const length = texts.reduce((total, text) => total + text.length, 0);
    if (rendered.length > LONGEST + length)
      throw new UserError(`${this.name} writes ${rendered.length} characters for a prompt of ${length}.`, RESTORE);
    // Some templates trim.
    const lost = texts.find((text) => !rendered.includes(text.trim()));
    if (lost !== undefined)
      throw new UserError(`${this.name} does not write the question ${JSON.stringify(shortened(lost))}.`, RESTORE);
    return rendered;
  }
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)} …` : text;
}

/** A template given as text, or as a list of named ones of which `default` counts. Throws `UserError` for another form. */
function chosen(value: unknown, file: string): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  const entry: unknown = Array.isArray(value) ? value.find((item) => isObject(item) && item.name === "default") : value;
  if (isObject(entry) && typeof entry.template === "string") return entry.template;
  throw new UserError(`${file}: chat_template is neither a text nor a list with one named default.`, RESTORE);
}
