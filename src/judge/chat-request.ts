/** @file The body of a chat-completions request: ours, changed by what the settings say a service wants otherwise. */
import type { OpenAISettings } from "../config/judge-settings.ts";
import type { Question } from "./service.ts";

/** Reserved for an answer where the settings take every limit away. */
const UNLIMITED = 32_000;

/** Keys that a request has beside the model. */
export interface Asked {
  readonly messages: readonly object[];
  /** Tokens that the answer may have. */
  readonly max_tokens: number;
  readonly response_format?: object;
}

/**
 * A request at temperature 0.
 * @param inputTokens the most that its input can come to; without it no token is taken to be shorter than a byte
 */
export function chatRequest(
  { model, request }: Pick<OpenAISettings, "model" | "request">,
  asked: Asked,
  inputTokens?: number,
): Question {
  const { messages, ...rest } = asked;
  const keys = Object.entries({ model, messages, temperature: 0, ...rest, ...request }).filter(
    ([, value]) => value !== null,
  );
  const body = JSON.stringify(Object.fromEntries(keys));
  const limits = keys.flatMap(([key, value]) =>
    /^max_\w*tokens$/.test(key) && typeof value === "number" ? [value] : [],
  );
  const output = limits.length > 0 ? Math.max(...limits) : UNLIMITED;
  return { body, most: { input: inputTokens ?? Buffer.byteLength(body), output } };
}
