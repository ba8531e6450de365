/** @file Errors of the HTTP interface, in the shape that OpenAI's clients read. */
import type { Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { EngineDeath, messageOf, OutOfMemory } from "../util/errors.ts";

interface Details {
  /** The key of the request at fault, e.g. `messages[0].content`. */
  readonly param?: string | undefined;
  /** A word that programs can tell the fault by. */
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is not answered as asked, for a reason that the client is told. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: ContentfulStatusCode;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ContentfulStatusCode, message: string, { param, code, headers = {} }: Details = {}) {
    super(message);
    this.status = status;
    this.param = param ?? null;
    this.code = code ?? null;
    this.headers = headers;
  }

  /** OpenAI's word for whose fault it is. */
  get type(): string {
    if (this.status === 429) return "rate_limit_error";
    return this.status < 500 ? "invalid_request_error" : "server_error";
  }

  /** What is sent. */
  get body() {
    const { message, type, param, code } = this;
    return { error: { message, type, param, code } };
  }
}

/** What a client is told of anything that was thrown. What is not the client's fault is printed, and told without details. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof EngineDeath) return engineEnded(error);
  console.error(error);
  if (error instanceof OutOfMemory)
    return new ApiError(503, "The memory did not suffice for this request and those beside it. Try again later.", {
      code: "out_of_memory",
    });
  return new ApiError(500, "The server failed at this request. Its own output says why.");
}

/** What one is told whose model has ended. */
export function engineEnded(death: Error): ApiError {
  const reason = death.message.split("\n")[0]!;
  return new ApiError(503, `The model can no longer answer: ${reason}. Start the server again.`, {
    code: "engine_ended",
  });
}

/** Makes an app answer errors and unknown paths in OpenAI's shape. */
export function withApiErrors(app: Hono): Hono {
  app.notFound((c) => answer(c, new ApiError(404, `Unknown request URL: ${c.req.method} ${c.req.path}.`)));
  app.onError((error, c) => answer(c, apiErrorOf(error)));
  return app;
}

function answer(c: Context, error: ApiError): Response {
  return c.json(error.body, error.status, { ...error.headers });
}

/** A 400 from an error whose message is meant for the one who asked. */
export function badRequest(error: unknown, param: string): ApiError {
  return new ApiError(400, messageOf(error).replaceAll(/\n\s*/g, " "), { param, code: "invalid_value" });
}
