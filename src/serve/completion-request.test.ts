import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError } from "./api-error.ts";
import { chatRequestOf } from "./completion-request.ts";

const user = (content: unknown) => ({ role: "user", content });
const SOUND = { model: "m", messages: [user("hi")] };
const IMAGE = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };

function faultOf(body: unknown): ApiError {
  try {
    chatRequestOf(body);
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("It is taken.");
}

describe("chatRequestOf takes", () => {
  it.each([
    [{}],
    [{ messages: [{ role: "system", content: "Be brief." }, user([{ type: "text", text: "a" }, IMAGE, IMAGE])] }],
    [{ messages: [{ role: "developer", content: "x" }, user("q"), { role: "assistant", content: "a" }] }],
    // As the openai client hands back what it got.
    [{ messages: [user("q"), { role: "assistant", content: "a", refusal: null, annotations: [] }, user("r")] }],
    [{ messages: [user("")] }],
    [{ stream: true, stream_options: { include_usage: true } }],
    [{ n: 3, max_tokens: 5, temperature: 2, top_p: 0, seed: -1, stop: ["a", "b", "c", "d"] }],
    [{ logprobs: true, top_logprobs: 20, stop: "x" }],
    [{ max_completion_tokens: 1, user: "u", metadata: { a: "b" }, store: true, service_tier: "auto" }],
    [{ n: null, stop: null, temperature: null, max_tokens: null, logprobs: null, tools: null, seed: null }],
    [{ frequency_penalty: 0, presence_penalty: 0, logit_bias: {}, response_format: { type: "text" }, tools: [] }],
    [{ grit: { method: "grit" } }],
  ])("%j", (fields) => {
    expect(chatRequestOf({ ...SOUND, ...fields })).toMatchObject(fields);
  });
});

describe("chatRequestOf refuses", () => {
  it.each([
    [null, null, "invalid_type", /not a JSON object/],
    [[], null, "invalid_type", /not a JSON object/],
    [{ messages: [user("hi")] }, "model", "missing_required_parameter", /Missing required parameter: 'model'/],
    [{ ...SOUND, model: 7 }, "model", "invalid_type", /Invalid 'model': expected string, received number\.$/],
    [{ ...SOUND, messages: [] }, "messages", "invalid_value", /Invalid 'messages'/],
    [{ ...SOUND, messages: "hi" }, "messages", "invalid_type", /expected array/],
    [{ ...SOUND, messages: ["hi"] }, "messages[0]", "invalid_type", /expected object/],
    [
      { ...SOUND, messages: [{ role: "tool", content: "x" }] },
      "messages[0].role",
      "invalid_value",
      /system, developer/,
    ],
    [{ ...SOUND, messages: [user(7)] }, "messages[0].content", "invalid_value", /a text, or a list/],
    [{ ...SOUND, messages: [user(null)] }, "messages[0].content", "invalid_value", /a text, or a list/],
    [{ ...SOUND, messages: [user([])] }, "messages[0].content", "invalid_value", /Invalid/],
    [
      { ...SOUND, messages: [user([{ type: "text" }])] },
      "messages[0].content[0].text",
      "missing_required_parameter",
      /Missing/,
    ],
    [
      { ...SOUND, messages: [user([{ type: "file", file: {} }])] },
      "messages[0].content[0].type",
      "invalid_value",
      /image_url/,
    ],
    [
      { ...SOUND, messages: [user([{ type: "image_url", image_url: "data:" }])] },
      ...(["messages[0].content[0].image_url", "invalid_type", /expected object/] as const),
    ],
    [
      { ...SOUND, messages: [{ role: "system", content: [IMAGE] }] },
      "messages[0].content[0].type",
      "invalid_value",
      /text/,
    ],
    [
      { ...SOUND, messages: [{ ...user("a"), name: "Ann" }] },
      "messages[0].name",
      "unsupported_parameter",
      /not supported/,
    ],
    [
      { ...SOUND, messages: [{ ...user("a"), colour: 1 }] },
      "messages[0].colour",
      "unknown_parameter",
      /messages\[0\]\.colour/,
    ],
    [{ ...SOUND, temprature: 1 }, "temprature", "unknown_parameter", /Did you mean 'temperature'/],
    [{ ...SOUND, top_k: 4 }, "top_k", "unknown_parameter", /Unknown parameter: 'top_k'/],
    [{ ...SOUND, constructor: 4 }, "constructor", "unknown_parameter", /Unknown/],
    [{ ...SOUND, temperature: 5 }, "temperature", "invalid_value", /<=2/],
    [{ ...SOUND, temperature: "1" }, "temperature", "invalid_type", /expected number/],
    [{ ...SOUND, top_p: -0.1 }, "top_p", "invalid_value", />=0/],
    [{ ...SOUND, n: 0 }, "n", "invalid_value", />=1/],
    [{ ...SOUND, n: 1000 }, "n", "invalid_value", /<=128/],
    [{ ...SOUND, n: 1.5 }, "n", "invalid_type", /int/],
    [{ ...SOUND, max_tokens: 0 }, "max_tokens", "invalid_value", />=1/],
    [{ ...SOUND, max_tokens: -1 }, "max_tokens", "invalid_value", />=1/],
    [{ ...SOUND, max_tokens: "NaN" }, "max_tokens", "invalid_type", /number/],
    [{ ...SOUND, max_tokens: 5, max_completion_tokens: 5 }, "max_tokens", "invalid_value", /not both/],
    [{ ...SOUND, stop: ["a", "b", "c", "d", "e"] }, "stop", "invalid_value", /Invalid 'stop'/],
    [{ ...SOUND, stop: "" }, "stop", "invalid_value", /Invalid 'stop'/],
    [{ ...SOUND, stop: ["a", ""] }, "stop[1]", "invalid_value", /Invalid/],
    [{ ...SOUND, seed: 2 ** 60 }, "seed", "invalid_value", /Invalid 'seed'/],
    [{ ...SOUND, top_logprobs: 5 }, "top_logprobs", "invalid_value", /needs logprobs: true/],
    [{ ...SOUND, logprobs: 3 }, "logprobs", "invalid_type", /boolean/],
    [{ ...SOUND, logprobs: true, top_logprobs: 21 }, "top_logprobs", "invalid_value", /<=20/],
    [{ ...SOUND, stream_options: { include_usage: true } }, "stream_options", "invalid_value", /needs stream: true/],
    [{ ...SOUND, stream: "yes" }, "stream", "invalid_type", /boolean/],
    [{ ...SOUND, tools: [{ type: "function" }] }, "tools", "unsupported_parameter", /'tools' is not supported/],
    [
      { ...SOUND, response_format: { type: "json_schema" } },
      "response_format",
      "unsupported_parameter",
      /not supported/,
    ],
    [{ ...SOUND, frequency_penalty: 0.5 }, "frequency_penalty", "unsupported_parameter", /not supported/],
    [{ ...SOUND, grit: { method: "gritt" } }, "grit.method", "invalid_value", /grit/],
    [{ ...SOUND, grit: { boxes: true } }, "grit.boxes", "unknown_parameter", /grit\.boxes/],
  ])("%j", (body: unknown, param: string | null, code: string, message: RegExp) => {
    expect(faultOf(body)).toMatchObject({ status: 400, type: "invalid_request_error", param, code });
    expect(faultOf(body).message).toMatch(message);
  });

  it("a field that holds lists in lists in lists, without following them", () => {
    let deep: unknown = [];
    for (let i = 0; i < 40_000; i++) deep = [deep];
    expect(faultOf({ ...SOUND, tools: deep })).toMatchObject({ param: "tools", code: "unsupported_parameter" });
  });

  it("any other request with an ApiError, whatever stands in the place of a value", () => {
    const rich = {
      ...SOUND,
      messages: [user([{ type: "text", text: "a" }, IMAGE]), { role: "assistant", content: "b" }],
      stop: ["a"],
      stream: true,
      stream_options: { include_usage: true },
      grit: { method: "grit" },
      response_format: { type: "text" },
    };
    const paths = ["model", "messages", "messages.0", "messages.0.role", "messages.0.content", "messages.0.content.1"];
    paths.push(
      "messages.0.content.1.image_url",
      "messages.1.content",
      "stop",
      "stop.0",
      "stream",
      "grit",
      "grit.method",
    );
    paths.push(
      "stream_options",
      "response_format",
      "n",
      "temperature",
      "tools",
      "metadata",
      "messages.0.content.0.text",
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const body = structuredClone(rich) as unknown as Record<string, never>;
        const keys = path.split(".");
        const holder = keys.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as never, body);
        holder[keys.at(-1)!] = value;
        try {
          chatRequestOf(body);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).message.length).toBeLessThan(1000);
        }
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});
