/** @file The routes of OpenAI's chat interface over engines: `/models` and `/chat/completions`. Mounted at `/v1`. */
import { randomInt } from "node:crypto";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { ChatEngine } from "./answers.ts";
import { type Answer, type Asked, answer } from "./answers.ts";
import { ApiError, apiErrorOf, withApiErrors } from "./api-error.ts";
import { type ChatPrompt, chatPrompt, contextExceeded } from "./chat-prompt.ts";
import { ChatResponse } from "./chat-response.ts";
import { type ChatRequest, chatRequestOf } from "./completion-request.ts";
import { EventSender } from "./event-sender.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { Piece } from "./released-text.ts";
import { jsonBody } from "./request-body.ts";
import { RequestImages } from "./request-images.ts";
import { modelFor, modelIds, type ServedModel } from "./served-models.ts";
import { ServerMetrics } from "./server-metrics.ts";
import { WorkQueue } from "./work-queue.ts";

/** New tokens of a choice where the request does not say, if the context has room for them: as in `grit generate`. */
const DEFAULT_MAX_TOKENS = 1000;

export interface ChatOptions {
  /** By the name that requests call it. It may be filled later: while it is empty, requests are answered with 503. */
  readonly engines: ReadonlyMap<string, ChatEngine>;
  /** Fetch images at http(s) addresses of the public internet. Default false. */
  readonly allowImageUrls?: boolean;
  readonly limits?: Limits;
  /** One for all apps over the same engines. */
  readonly queue?: WorkQueue;
  readonly metrics?: ServerMetrics;
}

/** `POST /chat/completions`, `GET /models` and `GET /models/:id`. */
export function chatRoutes(options: ChatOptions): Hono {
  const settings: Required<ChatOptions> = {
    allowImageUrls: false,
    limits: DEFAULT_LIMITS,
    queue: new WorkQueue(),
    metrics: new ServerMetrics(),
    ...options,
  };
  const { engines } = settings;
  const created = Math.floor(Date.now() / 1000);
  const described = (id: string) => ({ id, object: "model", created, owned_by: "grit" });
  return withApiErrors(new Hono())
    .get("/models", (c) => c.json({ object: "list", data: modelIds(engines).map(described) }))
    .get("/models/:id{.+}", (c) => {
      const id = c.req.param("id");
      modelFor(engines, id, undefined);
      return c.json(described(id));
    })
    .post("/chat/completions", (c) => new ChatCall(c, settings).respond());
}

/** One request for a chat completion, from its body to its last byte. */
class ChatCall {
  readonly #c: Context;
  readonly #settings: Required<ChatOptions>;
  readonly #began = performance.now();
  /** Fires when nobody waits for the answer any more, or part of it has failed. */
  readonly #ending = new AbortController();
  /** Places taken in the queue. */
  #places = 0;

  constructor(c: Context, settings: Required<ChatOptions>) {
    this.#c = c;
    this.#settings = settings;
    const client = c.req.raw.signal;
    if (client.aborted) this.#clientIsGone();
    client.addEventListener("abort", () => this.#clientIsGone(), { once: true });
  }

  /** @throws ApiError, before anything is sent */
  async respond(): Promise<Response> {
    let streams = false;
    try {
      // Before the body is read, so that no more bodies are held than can be answered.
      this.#take(1);
      const request = chatRequestOf(await jsonBody(this.#c, this.#settings.limits.bodyBytes));
      const n = request.n ?? 1;
      if (n > this.#settings.queue.capacity)
        throw new ApiError(400, `n is ${n}; this server makes at most ${this.#settings.queue.capacity} choices.`, {
          param: "n",
          code: "invalid_value",
        });
      this.#take(n - 1);
      const model = modelFor(this.#settings.engines, request.model, request.grit?.method ?? undefined);
      const asked = await this.#asked(request, model);
      const response = new ChatResponse(model.engine.processor.tokenizer, {
        model: request.model,
        logprobs: request.logprobs ?? false,
        includeUsage: request.stream_options?.include_usage ?? false,
      });
      const choices = Array.from({ length: n }, (_, index) => index);
      const choice = (index: number, onPiece?: (piece: Piece) => void) =>
        this.#choice(model.engine, asked, index, onPiece);
      streams = request.stream ?? false;
      if (streams) return this.#stream(request, asked.asked, response, choices, choice);
      const answers = await Promise.all(choices.map((index) => choice(index)));
      this.#count(asked.asked, answers);
      return this.#c.json(response.whole(answers, asked.asked.prompt.ids.length));
    } catch (error) {
      this.#ending.abort(error);
      throw error;
    } finally {
      if (!streams) this.#leave();
    }
  }

  async #asked(request: ChatRequest, { engine, method }: ServedModel): Promise<Asked> {
    const { processor } = engine;
    const images = new RequestImages(processor, this.#settings, this.#ending.signal);
    const { limits } = this.#settings;
    const asked = await chatPrompt(processor, request.messages, { method, images, limits });
    const length = asked.prompt.ids.length;
    const room = processor.contextLength - length;
    const wanted = request.max_completion_tokens ?? request.max_tokens;
    if (room < (wanted ?? 1))
      throw contextExceeded(
        `The model's context is ${processor.contextLength} tokens; the messages have ${length} and the answer may have ${wanted ?? 1}.`,
      );
    return {
      asked,
      method,
      stop: [request.stop ?? []].flat(),
      sampling: {
        maxTokens: wanted ?? Math.min(room, DEFAULT_MAX_TOKENS),
        temperature: request.temperature ?? 1,
        // 0 leaves the likeliest token, as any probability below its own does.
        topP: request.top_p === 0 ? Number.MIN_VALUE : (request.top_p ?? 1),
        seed: request.seed ?? randomInt(2 ** 32),
        alternatives: request.top_logprobs ?? 0,
      },
    };
  }

  /** Samples a choice when its turn has come. */
  async #choice(
    engine: ChatEngine,
    asked: Asked,
    index: number,
    onPiece: ((piece: Piece) => void) | undefined,
  ): Promise<Answer> {
    const { queue, metrics } = this.#settings;
    const came = performance.now();
    return queue.run(this.#ending.signal, async () => {
      metrics.took("queue_seconds", since(came));
      const turn = performance.now();
      let begun = false;
      return answer(engine, asked, index, {
        signal: this.#ending.signal,
        onPiece: (piece) => {
          if (!begun) metrics.took("first_token_seconds", since(turn));
          begun = true;
          onPiece?.(piece);
        },
      });
    });
  }

  #stream(
    request: ChatRequest,
    { prompt }: ChatPrompt,
    response: ChatResponse,
    choices: readonly number[],
    choice: (index: number, onPiece: (piece: Piece) => void) => Promise<Answer>,
  ): Response {
    return streamSSE(this.#c, async (stream) => {
      stream.onAbort(() => this.#clientIsGone());
      const sender = new EventSender(stream);
      try {
        const answers = await Promise.all(
          choices.map(async (index) => {
            sender.send(response.opening(index));
            const answered = await choice(index, (piece) => sender.send(response.piece(index, piece)));
            sender.send(response.closing(index, answered));
            return answered;
          }),
        );
        this.#count({ prompt }, answers);
        if (request.stream_options?.include_usage) sender.send(response.usage(answers, prompt.ids.length));
        sender.send("[DONE]");
      } catch (error) {
        this.#ending.abort(error);
        sender.send(apiErrorOf(error).body);
      } finally {
        this.#leave();
      }
      await sender.sent();
    });
  }

  #clientIsGone(): void {
    this.#ending.abort(new ApiError(408, "The client has gone."));
  }

  #count({ prompt }: Pick<ChatPrompt, "prompt">, answers: readonly Answer[]): void {
    const sampled = answers.reduce((sum, each) => sum + each.sampled, 0);
    this.#settings.metrics.tokens(prompt.ids.length, sampled);
  }

  #take(count: number): void {
    this.#settings.queue.take(count);
    this.#places += count;
  }

  #leave(): void {
    this.#settings.queue.give(this.#places);
    this.#settings.metrics.took("request_seconds", since(this.#began));
  }
}

/** Seconds since a moment of `performance.now()`. */
function since(moment: number): number {
  return (performance.now() - moment) / 1000;
}
