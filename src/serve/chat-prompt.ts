/** @file The messages of a request as a prompt: rendered by the checkpoint's template, asked by a method if one is named. */
import { type MethodName, userText } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Message, Part } from "../prompt/template.ts";
import type { Frame, ImageInput, Prompt } from "../records.ts";
import { UserError } from "../util/errors.ts";
import { ApiError, badRequest } from "./api-error.ts";
import type { ChatMessage } from "./completion-request.ts";
import type { Limits } from "./limits.ts";
import type { RequestImages } from "./request-images.ts";

/** Characters that a token has at most on average in texts that people write. More cannot fit, and is not tokenized to see it. */
const MOST_CHARACTERS_PER_TOKEN = 16;

export interface ChatPrompt {
  readonly prompt: Prompt;
  /** How the image was resized that the answer's boxes are on: the first of the last message that has one. */
  readonly frame: Frame | undefined;
}

/** Lays out messages. @throws ApiError 400: too many parts, an image that cannot be read, a text that forges a control token */
export async function chatPrompt(
  processor: Processor,
  messages: readonly ChatMessage[],
  { method, images: reader, limits }: { method: MethodName | undefined; images: RequestImages; limits: Limits },
): Promise<ChatPrompt> {
  refuseTooMany(messages, limits);
  refuseTooLong(messages, processor.contextLength);
  const images: ImageInput[] = [];
  let frame: Frame | undefined;
  const written: Message[] = [];
  for (const [i, message] of messages.entries()) {
    const first = images.length;
    for (const [k, part] of partsOf(message).entries())
      if (part.type === "image_url")
        images.push(await reader.read(part.image_url.url, `messages[${i}].content[${k}].image_url.url`));
    frame = images[first]?.frame ?? frame;
    written.push(method !== undefined && message.role === "user" ? askedBy(method, message) : verbatim(message));
  }
  try {
    processor.refuseForged(messages.map(verbatim));
    return { prompt: processor.conversation(written, images), frame };
  } catch (error) {
    throw error instanceof UserError ? badRequest(error, "messages") : error;
  }
}

/** The message as the template takes it. */
function verbatim({ role, content }: ChatMessage): Message {
  const known = role === "developer" ? "system" : role;
  return { role: known, content: typeof content === "string" ? content : content.map(withoutImage) };
}

/** A user's message as training asks: the images, then the question with what the method adds to it. */
function askedBy(method: MethodName, message: ChatMessage): Message {
  const parts = partsOf(message).map(withoutImage);
  const question = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const images = parts.filter(({ type }) => type === "image");
  return { role: "user", content: [...images, { type: "text", text: userText(question, method) }] };
}

type RequestPart = Exclude<ChatMessage["content"], string>[number];

function partsOf({ content }: ChatMessage): readonly RequestPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function withoutImage(part: RequestPart): Part {
  return part.type === "text" ? part : { type: "image" };
}

function refuseTooMany(messages: readonly ChatMessage[], limits: Limits): void {
  const parts = messages.flatMap(partsOf);
  const counts = [
    ["parts", parts.length, limits.parts],
    ["images", parts.filter(({ type }) => type === "image_url").length, limits.images],
  ] as const;
  for (const [what, count, most] of counts)
    if (count > most)
      throw new ApiError(400, `The request has ${count} ${what}; at most ${most} are allowed.`, {
        param: "messages",
        code: "invalid_value",
      });
}

function refuseTooLong(messages: readonly ChatMessage[], contextLength: number): void {
  const texts = messages.flatMap(partsOf).map((part) => (part.type === "text" ? part.text.length : 0));
  const length = texts.reduce((sum, each) => sum + each, 0);
  if (length > contextLength * MOST_CHARACTERS_PER_TOKEN)
    throw contextExceeded(
      `The messages have ${length} characters, and the model's context is ${contextLength} tokens.`,
    );
}

/** What OpenAI's clients know a prompt by that does not fit. */
export function contextExceeded(message: string): ApiError {
  return new ApiError(400, `${message} Shorten the messages or lower max_tokens.`, {
    param: "messages",
    code: "context_length_exceeded",
  });
}
