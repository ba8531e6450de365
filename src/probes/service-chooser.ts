/** @file A chooser that is a service, as the paper's GPT-4o: it sees both pictures and replies with the number of one. */
import sharp from "sharp";
import type { JudgeSettings, OpenAISettings } from "../config/judge-settings.ts";
import { chatRequest } from "../judge/chat-request.ts";
import type { Cost } from "../judge/judge.ts";
import { type OpenOptions, type Question, Service } from "../judge/service.ts";
import type { RgbImage } from "../prompt/resize.ts";
import { UserError } from "../util/errors.ts";
import type { Chooser } from "./correlation.ts";

/** Most tokens of a reply: three are enough, the rest is for models that add words. */
const MAX_TOKENS = 32;

/**
 * The most that a published tariff bills for a picture (GPT-4o mini's): for itself, and for each square of 512 pixels. What
 * a picture came to is entered in the ledger as the service counts it; this is only reserved.
 */
const PICTURE_TOKENS = 2833;
const SQUARE_TOKENS = 5667;

export interface ServiceChooser extends Chooser {
  /** What it has cost since it was opened. */
  spent(): Cost;
}

/**
 * Opens the service of a judge's settings as a chooser.
 * @throws UserError when the settings name no service, or it has no key, refuses it, does not answer or takes no pictures
 */
export async function serviceChooser(
  { name, openai }: JudgeSettings,
  options: OpenOptions = {},
): Promise<ServiceChooser> {
  if (!openai) throw new UserError(`The judge ${name} sees no pictures.`, "Name one that asks a service, or a model.");
  const proof = await choiceQuestion(openai, PROOF, [plain(255, 0, 0), plain(0, 0, 255)]);
  const service = await Service.open(
    openai,
    { proof: () => proof, forms: ["text"], read: readChoice, gives: "choice" },
    options,
  );
  return {
    name: openai.model,
    spent: () => service.spent(),
    async choose(prompt, pictures) {
      const picked = await service.ask(await choiceQuestion(openai, prompt, pictures));
      return typeof picked === "number" ? (picked as 0 | 1) : picked;
    },
  };
}

/** A question with an obvious answer for anyone who sees the pictures. */
const PROOF = 'Please decide which image is red.\nReply with exactly "Image 0" or "Image 1".';

function plain(...color: [number, number, number]): RgbImage {
  return { width: 56, height: 56, rgb: Uint8Array.from({ length: 56 * 56 * 3 }, (_, i) => color[i % 3]!) };
}

/** Each picture under its name, then the prompt; one user message, temperature 0. */
async function choiceQuestion(
  settings: OpenAISettings,
  prompt: string,
  pictures: readonly [RgbImage, RgbImage],
): Promise<Question> {
  const text = (said: string) => ({ type: "text", text: said });
  const shown = await Promise.all(
    pictures.map(async (picture, i) => {
      const url = `data:image/png;base64,${(await png(picture)).toString("base64")}`;
      return [text(`Image ${i}:`), { type: "image_url", image_url: { url } }];
    }),
  );
  const content = [...shown.flat(), text(prompt)];
  const pictured = pictures.map(({ width, height }) => Math.ceil(width / 512) * Math.ceil(height / 512));
  // No token of a text is shorter than a byte; the rest of the body, which is not billed, is far less than a picture.
  const input = pictured.reduce(
    (sum, squares) => sum + PICTURE_TOKENS + squares * SQUARE_TOKENS,
    Buffer.byteLength(prompt),
  );
  return chatRequest(settings, { messages: [{ role: "user", content }], max_tokens: MAX_TOKENS }, input);
}

async function png({ width, height, rgb }: RgbImage): Promise<Buffer> {
  return await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The only image that a reply names, whatever words surround it. */
export function readChoice(reply: string): 0 | 1 | undefined {
  const named = new Set([...reply.matchAll(/\bimage\s*([01])\b/gi)].map(([, number]) => number));
  if (named.size !== 1) return undefined;
  return named.has("0") ? 0 : 1;
}
