/** @file A request of OpenAI's chat completions: what is read of it, what is refused, and how a fault is told. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { METHOD_NAMES } from "../prompt/methods.ts";
import { nearest } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";

/** Fields that change nothing here, and are therefore taken as they come. */
const harmless = z.unknown().optional();

/** A field that would change the answer and is not supported: only values that ask for nothing are taken. */
function unsupported(...neutral: readonly unknown[]) {
  const asksForNothing = (value: unknown) => value == null || neutral.some((each) => isDeepStrictEqual(value, each));
  return z
    .unknown()
    .optional()
    .refine(asksForNothing, { params: { unsupported: true } });
}

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({ url: z.string(), detail: z.enum(["auto", "low", "high"]).nullish() }),
});
const name = unsupported();
const text = z.union([z.string(), z.array(textPart).min(1)]);

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["system", "developer"]), content: text, name }),
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart])).min(1)]),
    name,
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: text,
    name,
    // As it was in an answer of ours, which clients send back whole, with what they add.
    refusal: unsupported(),
    parsed: unsupported(),
    annotations: harmless,
    audio: unsupported(),
    tool_calls: unsupported([]),
    function_call: unsupported(),
  }),
]);

const stopText = z.string().min(1).max(256);
const tokens = z.int().min(1).nullish();

const schema = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: harmless }).nullish(),
  n: z.int().min(1).max(128).nullish(),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  stop: z.union([stopText, z.array(stopText).max(4)]).nullish(),
  seed: z.int().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  grit: z.strictObject({ method: z.enum(METHOD_NAMES).nullish() }).nullish(),

  metadata: harmless,
  parallel_tool_calls: harmless,
  prompt_cache_key: harmless,
  prompt_cache_retention: harmless,
  safety_identifier: harmless,
  service_tier: harmless,
  store: harmless,
  user: harmless,

  audio: unsupported(),
  frequency_penalty: unsupported(0),
  function_call: unsupported("none"),
  functions: unsupported([]),
  logit_bias: unsupported({}),
  modalities: unsupported(["text"]),
  prediction: unsupported(),
  presence_penalty: unsupported(0),
  reasoning_effort: unsupported(),
  response_format: unsupported({ type: "text" }),
  tool_choice: unsupported("none"),
  tools: unsupported([]),
  verbosity: unsupported(),
  web_search_options: unsupported(),
});

export type ChatRequest = z.infer<typeof schema>;
export type ChatMessage = ChatRequest["messages"][number];

/** A request's body as it is understood. @throws ApiError 400 naming the field at fault */
export function chatRequestOf(body: unknown): ChatRequest {
  const { success, data, error } = schema.safeParse(body);
  if (!success) throw faultOf(innermost(error.issues[0]!));
  if (data.max_tokens != null && data.max_completion_tokens != null)
    throw new ApiError(400, "Send max_tokens or max_completion_tokens, not both.", {
      param: "max_tokens",
      code: "invalid_value",
    });
  if (data.top_logprobs != null && !data.logprobs) throw needs("top_logprobs", "logprobs");
  if (data.stream_options != null && !data.stream) throw needs("stream_options", "stream");
  return data;
}

function needs(param: string, other: string): ApiError {
  return new ApiError(400, `${param} needs ${other}: true.`, { param, code: "invalid_value" });
}

type Issue = z.core.$ZodIssue;

/** Of a value that may be one thing or another, what is wrong with it as the thing that it is. */
function innermost(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const within = issue.errors
    .map((issues) => issues[0]!)
    .find(({ path, code }) => path.length > 0 || !/type/.test(code));
  return within ? innermost({ ...within, path: [...issue.path, ...within.path] }) : issue;
}

function faultOf(issue: Issue): ApiError {
  const at = pathText(issue.path);
  if (issue.code === "unrecognized_keys") {
    const [key] = issue.keys as [string];
    const param = pathText([...issue.path, key]);
    const meant = issue.path.length === 0 ? nearest(key, Object.keys(schema.shape)) : undefined;
    return new ApiError(400, `Unknown parameter: '${param}'.${meant ? ` Did you mean '${meant}'?` : ""}`, {
      param,
      code: "unknown_parameter",
    });
  }
  if (issue.code === "custom" && issue.params?.unsupported)
    return new ApiError(400, `'${at}' is not supported by this server. Leave it out.`, {
      param: at,
      code: "unsupported_parameter",
    });
  if (/received undefined$/.test(issue.message))
    return new ApiError(400, `Missing required parameter: '${at}'.`, { param: at, code: "missing_required_parameter" });
  if (at === "") return new ApiError(400, "The body is not a JSON object.", { code: "invalid_type" });
  return new ApiError(400, `Invalid '${at}': ${whatIsWrong(issue)}.`, {
    param: at,
    code: issue.code === "invalid_type" ? "invalid_type" : "invalid_value",
  });
}

function whatIsWrong(issue: Issue): string {
  if (issue.code !== "invalid_union")
    return issue.message.replace("Invalid input: ", "").replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  const key = issue.path.at(-1);
  if (key === "role") return "expected system, developer, user or assistant";
  if (key === "type") return "expected text, or image_url in a user's message; nothing else is supported";
  return "expected a text, or a list that is not empty";
}

/** As OpenAI writes a path: `messages[0].content[1].type`. */
function pathText(path: readonly PropertyKey[]): string {
  return path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i > 0 ? "." : ""}${String(key)}`)).join("");
}
