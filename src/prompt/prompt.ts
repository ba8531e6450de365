/** @file The prompt stage: turns a sample and a method into token ids and pixels, as the checkpoint's own files define them. */

import path from "node:path";
import { readJsonIfPresent, requireFolder } from "../hub/checkpoint-files.ts";
import { readModel } from "../models/architectures.ts";
import type { ImageInput, Prompt, Sample, Space } from "../records.ts";
import { UserError } from "../util/errors.ts";
import { checkQuestion } from "./check-question.ts";
import { type Family, familyOf } from "./family.ts";
import type { ImageOptions, ImageProcessor } from "./image-processor.ts";
import { ImageReader, type ImageSource } from "./image-reader.ts";
import { askedOf, type MethodName, userText } from "./methods.ts";
import type { ChatTemplate, Message, Part } from "./template.ts";
import { Tokenizer } from "./tokenizer.ts";

/** A user turn in two parts: several questions about the same images share `head`. `head` + `rest` are the whole prompt. */
export interface Conversation {
  /** System turn, the user's header and the images, up to the token that ends the last. Empty without images. */
  readonly head: readonly number[];
  /** The user's text, the end of the turn and the assistant's header. */
  readonly rest: readonly number[];
  /** The given response and the end-of-turn token; empty when none was given. */
  readonly response: readonly number[];
}

const TURN_END = "<|im_end|>";
const ENDS = [TURN_END, "<|endoftext|>"];

export interface ProcessorOptions extends ImageOptions {
  /** No special token is ever sampled, so that every completion gets as long as it may: for benchmarks. */
  readonly unending?: boolean;
}

/** Tokenizer, chat template and image processor of one checkpoint. */
export class Processor {
  /** The space in which the model writes boxes. */
  readonly boxSpace: Space;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly images: ImageProcessor;
  /** The longest sequence the model takes, in tokens. */
  readonly contextLength: number;
  /** The placeholder, one for every image feature in the prompt. */
  readonly imageTokenId: number;
  /** What the chat template writes for an image. */
  readonly imageToken: string;
  /** Only the processor writes these. They are never sampled and are masked in every log-softmax: otherwise a completion could change the number of image tokens. */
  readonly placeholderIds: readonly number[];
  /** Tokens that end a completion. */
  readonly endIds: readonly number[];
  readonly #imageStart: number;
  readonly #imageEnd: number;
  readonly #templateFrames: boolean;
  readonly #turnEnd: number;
  readonly #reader: ImageReader;

  constructor(
    family: Family,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    images: ImageProcessor,
    contextLength: number,
    { unending = false }: Pick<ProcessorOptions, "unending"> = {},
  ) {
    this.boxSpace = family.boxSpace;
    this.tokenizer = tokenizer;
    this.template = template;
    this.images = images;
    this.#reader = new ImageReader(images);
    this.contextLength = contextLength;
    this.imageToken = family.imageToken;
    this.imageTokenId = tokenizer.tokenId(family.imageToken);
    this.#imageStart = tokenizer.tokenId(family.imageStart);
    this.#imageEnd = tokenizer.tokenId(family.imageEnd);
    this.#templateFrames = family.templateFrames;
    this.#turnEnd = tokenizer.tokenId(TURN_END);
    const written = [this.#imageStart, this.imageTokenId, this.#imageEnd];
    this.placeholderIds = unending ? tokenizer.specialIds : [...written, ...present(tokenizer, family.placeholders)];
    this.endIds = unending ? [] : present(tokenizer, ENDS);
  }

  /** Reads the processor files of a Hugging Face folder. Throws `UserError` naming what is missing or broken. */
  static load(dir: string, options: ProcessorOptions = {}): Processor {
    requireFolder(dir);
    const family = familyOf(dir);
    const { vocabulary, maxPositions } = readModel(dir).shape;
    const processor = new Processor(
      family,
      Tokenizer.load(dir, vocabulary),
      family.loadTemplate(dir),
      family.loadImages(dir, options),
      contextLength(dir, maxPositions),
      options,
    );
    checkQuestion(processor, dir);
    return processor;
  }

  /**
   * The prompt for a sample: user turn of the image and the question, or phrase, as the method asks it. A method's own words may
   * hold control tokens, a sample's may not.
   * Throws `UserError`, naming the sample: a bad image, a question that spells a control token, a prompt beyond the context.
   */
  async prompt(sample: Sample, method: MethodName): Promise<Prompt> {
    try {
      const asked = askedOf(sample, method);
      this.tokenizer.refuseSpecial(asked, "The question");
      return await this.#turn([sample.image], userText(asked, method));
    } catch (error) {
      if (error instanceof UserError) throw new UserError(`Sample ${sample.id} (${sample.image}): ${error.message}`);
      throw error;
    }
  }

  /** The prompt of one user turn: images first, then text. A prompt is never truncated. Throws as `prompt` does. */
  async promptFrom({ images, text }: { images?: readonly ImageSource[]; text: string }): Promise<Prompt> {
    this.tokenizer.refuseSpecial(text, "The question");
    return this.#turn(images ?? [], text);
  }

  /** The prompt of one user turn, whatever its text spells. */
  async #turn(sources: readonly ImageSource[], text: string): Promise<Prompt> {
    const images = await Promise.all(sources.map((source) => this.image(source)));
    const ids = this.#rendered([userTurn(text, images)], images);
    if (ids.length > this.contextLength)
      throw new UserError(
        `A prompt has ${ids.length} tokens (${this.imageTokens(images)} of them image), more than the model's ${this.contextLength}.`,
        `Lower ${this.images.limit}, or shorten the question.`,
      );
    return { ids, images };
  }

  /**
   * The prompt of a whole conversation, ending in the assistant's header; `images` are those of its image parts, in their order.
   * It may be longer than the context. What strangers wrote in it goes through `refuseForged` first. Throws `UserError`: a template
   * that cannot write it.
   */
  conversation(messages: readonly Message[], images: readonly ImageInput[]): Prompt {
    return { ids: this.#rendered(messages, images), images };
  }

  /** Throws `UserError` for a message that spells a control token. */
  refuseForged(messages: readonly Message[]): void {
    for (const [i, { role, content }] of messages.entries()) {
      const parts = typeof content === "string" ? [content] : content.map((part) => ("text" in part ? part.text : ""));
      this.tokenizer.refuseSpecial(parts.join(""), `Message ${i + 1} (${role})`);
    }
  }

  /** Token ids of one user turn about `images` with the assistant's header, and of a response to learn from. */
  encodeConversation(
    text: string,
    images: readonly ImageInput[],
    { response }: { response?: string } = {},
  ): Conversation {
    this.tokenizer.refuseSpecial(text, "The question");
    const ids = this.#rendered([userTurn(text, images)], images);
    const cut = images.length === 0 ? 0 : ids.lastIndexOf(this.#imageEnd) + 1;
    const answered = response === undefined ? [] : [...this.tokenizer.encodeUser(response), this.#turnEnd];
    return { head: ids.slice(0, cut), rest: ids.slice(cut), response: answered };
  }

  /** As `ImageReader.read`. */
  image(source: ImageSource): Promise<ImageInput> {
    return this.#reader.read(source);
  }

  /** Text of token ids, special tokens left out. */
  decode(ids: readonly number[]): string {
    return this.tokenizer.decode(ids);
  }

  /** Placeholder tokens that these images take. */
  imageTokens(images: readonly ImageInput[]): number {
    return images.reduce((sum, image) => sum + this.images.tokens(image), 0);
  }

  #rendered(messages: readonly Message[], images: readonly ImageInput[]): number[] {
    return this.#expand(this.tokenizer.encode(this.template.render(messages)), images);
  }

  /** Repeats each image's placeholder once a feature, framed where the template has not done it. */
  #expand(ids: readonly number[], images: readonly ImageInput[]): number[] {
    let next = 0;
    const expanded = ids.flatMap((id) => {
      const image = id === this.imageTokenId ? images[next++] : undefined;
      if (image === undefined) return [id];
      const run = new Array<number>(this.images.tokens(image)).fill(id);
      return this.#templateFrames ? run : [this.#imageStart, ...run, this.#imageEnd];
    });
    if (next !== images.length)
      throw new UserError(
        `The chat template wrote ${next} image placeholders for ${images.length} images.`,
        "Use the chat template that belongs to this checkpoint.",
      );
    return expanded;
  }
}

/** One user turn: images first, then text. */
function userTurn(text: string, images: readonly ImageInput[]): Message {
  const content: Part[] = [...images.map(() => ({ type: "image" }) as const), { type: "text", text }];
  return { role: "user", content };
}

function present(tokenizer: Tokenizer, spellings: readonly string[]): number[] {
  return spellings.map((spelling) => tokenizer.findTokenId(spelling)).filter((id) => id !== undefined);
}

/** The smaller of what the model and the tokenizer allow; the library writes an absurd length where there is none. */
function contextLength(dir: string, maxPositions: number): number {
  const said = readJsonIfPresent(dir, "tokenizer_config.json")?.model_max_length ?? maxPositions;
  if (typeof said === "number" && said >= 1) return Math.min(said, maxPositions);
  throw new UserError(
    `${path.join(dir, "tokenizer_config.json")}: model_max_length is ${JSON.stringify(said)}, not a number of tokens.`,
    "Restore the file from where the checkpoint came from.",
  );
}
