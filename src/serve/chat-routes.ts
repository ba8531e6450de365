/** @file The routes of OpenAI's chat interface over engines: `/models` and `/chat/completions`. Mounted at `/v1`. */
import { randomInt } from "node:crypto";
import { setMaxListeners } from "node:events";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { ChatEngine } from "./answers.ts";
import { type Answer, type Asked, answer } from "./answers.ts";
import { ApiError, apiErrorOf, withApiErrors } from "./api-error.ts";
import { chatPrompt, contextExceeded } from "./chat-prompt.ts";
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

/** A request that has been understood, without its body: images take much room in it. */
interface Prepared {
  readonly engine: ChatEngine;
  readonly asked: Asked;
  readonly response: ChatResponse;
  readonly choices: readonly number[];
  readonly streams: boolean;
  readonly includeUsage: boolean;
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
    // Each choice listens.
    setMaxListeners(Number.POSITIVE_INFINITY, this.#ending.signal);
    const client = c.req.raw.signal;
    if (client.aborted) this.#clientIsGone();
    client.addEventListener("abort", () => this.#clientIsGone(), { once: true });
  }

  /** @throws ApiError, before anything is sent */
  async respond(): Promise<Response> {
    let streams = false;
    try {
      // Before the body is read, so that no more requests are read than can be answered.
      this.#take(1);
      const prepared = await this.#prepare();
      streams = prepared.streams;
      if (streams) return this.#stream(prepared);
      const answers = await Promise.all(prepared.choices.map((index) => this.#choice(prepared, index)));
      return this.#c.json(prepared.response.whole(answers, this.#count(prepared, answers)));
    } catch (error) {
      this.#ending.abort(error);
      throw error;
    } finally {
      if (!streams) this.#leave();
    }
  }

  /** Reads the request and lays out its prompt. */
  async #prepare(): Promise<Prepared> {
    const { limits, queue, engines } = this.#settings;
    let bytes = 0;
    try {
      const body = await jsonBody(this.#c, limits.bodyBytes, (more) => {
        queue.bodies.take(more);
        bytes += more;
      });
      const request = chatRequestOf(body);
      const n = request.n ?? 1;
      if (n > queue.places.capacity)
        throw new ApiError(400, `n is ${n}; this server makes at most ${queue.places.capacity} choices.`, {
          param: "n",
          code: "invalid_value",
        });
      this.#take(n - 1);
      const model = modelFor(engines, request.model, request.grit?.method ?? undefined);
      const includeUsage = request.stream_options?.include_usage ?? false;
      const [named, logprobs] = [request.model, request.logprobs ?? false];
      return {
        engine: model.engine,
        asked: await this.#asked(request, model),
        response: new ChatResponse(model.engine.processor.tokenizer, { model: named, logprobs, includeUsage }),
        choices: Array.from({ length: n }, (_, index) => index),
        streams: request.stream ?? false,
        includeUsage,
      };
    } finally {
      queue.bodies.give(bytes);
    }
  }

  async #asked(request: ChatRequest, { engine, method }: ServedModel): Promise<Asked> {
    const { processor } = engine;
    const images = new RequestImages(engine, this.#settings, this.#ending.signal);
    const { limits } = this.#settings;
    const { prompt, frame } = await chatPrompt(processor, request.messages, { method, images, limits });
    const length = prompt.ids.length;
    const room = processor.contextLength - length;
    const wanted = request.max_completion_tokens ?? request.max_tokens;
    if (room < (wanted ?? 1))
      throw contextExceeded(
        `The model's context is ${processor.contextLength} tokens; the messages have ${length} and the answer may have ${wanted ?? 1}.`,
      );
    return {
      prompt,
      frame,
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
  #choice({ engine, asked }: Prepared, index: number, onPiece?: (piece: Piece) => void): Promise<Answer> {
    const { queue, metrics } = this.#settings;
    const came = performance.now();
    return queue.turns.run(this.#ending.signal, async () => {
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

  #stream(prepared: Prepared): Response {
    const { response, choices, includeUsage } = prepared;
    return streamSSE(this.#c, async (stream) => {
      stream.onAbort(() => this.#clientIsGone());
      const sender = new EventSender(stream);
      try {
        const answers = await Promise.all(
          choices.map(async (index) => {
            sender.send(response.opening(index));
            const answered = await this.#choice(prepared, index, (piece) => sender.send(response.piece(index, piece)));
            sender.send(response.closing(index, answered));
            return answered;
          }),
        );
        const promptTokens = this.#count(prepared, answers);
        if (includeUsage) sender.send(response.usage(answers, promptTokens));
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

  /** Counts what was made for the metrics; the tokens of the prompt. */
  #count({ asked }: Prepared, answers: readonly Answer[]): number {
    const promptTokens = asked.prompt.ids.length;
    const sampled = answers.reduce((sum, each) => sum + each.sampled, 0);
    this.#settings.metrics.tokens(promptTokens, sampled);
    return promptTokens;
  }

  #take(count: number): void {
    this.#settings.queue.places.take(count);
    this.#places += count;
  }

  #leave(): void {
    this.#settings.queue.places.give(this.#places);
    this.#settings.metrics.took("request_seconds", since(this.#began));
  }
}

/** Seconds since a moment of `performance.now()`. */
function since(moment: number): number {
  return (performance.now() - moment) / 1000;
}
