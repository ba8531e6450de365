/**
 * @file Whether a question reaches the model: the template writes it, the tokenizer keeps it, and an image leaves it room. A
 * folder that fails would still answer, and every number about it would be wrong.
 */

import path from "node:path";
import { messageOf, UserError } from "../util/errors.ts";
import { within } from "../util/within.ts";
import type { ImageProcessor } from "./image-processor.ts";
import type { ChatTemplate } from "./template.ts";
import { type Tokenizer, tokenizerFile } from "./tokenizer.ts";

const RESTORE = "Restore the file from where the checkpoint came from.";

/** Seconds that a prompt's tokens may take; these take a thousandth of one. */
const MOST_SECONDS = 2;

/** Every printable character of ASCII, and some that take two, three and four bytes; composed, as Qwen's tokenizers write them. */
const QUESTION = `\nQuestion: ${String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i))} é ☂ 数 🙂`;

/** What a question goes through, as a `Processor` has it. */
export interface QuestionPath {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly imageTokenId: number;
  readonly images: ImageProcessor;
  readonly contextLength: number;
}

/** @throws UserError naming the file of the processor in `dir` that loses a question, or an image */
export function checkQuestion(
  { tokenizer, template, imageTokenId, images, contextLength }: QuestionPath,
  dir: string,
): void {
  const file = path.join(dir, tokenizerFile(dir));
  const encoded = (text: string): number[] => {
    try {
      return within(MOST_SECONDS, () => tokenizer.encode(text));
    } catch (error) {
      throw new UserError(`${file} cannot encode a question: ${messageOf(error)}.`, RESTORE);
    }
  };
  tokenizer.refuseSpecial(QUESTION, `${file}: a question of plain text`, RESTORE);
  const kept = tokenizer.decode(encoded(QUESTION), { skipSpecial: false });
  if (kept !== QUESTION)
    throw new UserError(
      `${file} loses the question: ${JSON.stringify(QUESTION)} is encoded and decoded as ${JSON.stringify(kept.slice(0, 200))}.`,
      RESTORE,
    );
  const content = [{ type: "image" } as const, { type: "text", text: QUESTION } as const];
  const ids = encoded(template.render([{ role: "user", content }]));
  const written = ids.filter((id) => id === imageTokenId).length;
  if (written !== 1)
    throw new UserError(`${template.name} writes ${written} image placeholders for one image.`, RESTORE);
  if (images.leastTokens > contextLength)
    throw new UserError(
      `Every image takes ${images.leastTokens} tokens or more, beyond the ${contextLength} that the model in ${dir} takes.`,
      `Restore the folder's config and processor files, or lower ${images.least}.`,
    );
}
