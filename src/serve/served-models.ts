/** @file The models of a server by the ids that requests name them by: NAME asks verbatim, NAME:METHOD as in training. */
import { METHOD_NAMES, type MethodName } from "../prompt/methods.ts";
import type { ChatEngine } from "./answers.ts";
import { ApiError, engineEnded } from "./api-error.ts";

export interface ServedModel {
  readonly engine: ChatEngine;
  readonly method: MethodName | undefined;
}

/** The ids of the models: each name alone, and with every method. */
export function modelIds(engines: ReadonlyMap<string, ChatEngine>): string[] {
  return [...engines.keys()].flatMap((name) => [name, ...METHOD_NAMES.map((method) => `${name}:${method}`)]);
}

/**
 * The model that a request names; `method` is what it names beside that.
 * @throws ApiError: 503 while there is none yet or it has ended, 404 for an unknown id, 400 for two different methods
 */
export function modelFor(
  engines: ReadonlyMap<string, ChatEngine>,
  id: string,
  method: MethodName | undefined,
): ServedModel {
  if (engines.size === 0)
    throw new ApiError(503, "The model is still loading.", { code: "model_loading", headers: { "Retry-After": "2" } });
  const named = METHOD_NAMES.find((each) => id.endsWith(`:${each}`));
  const name = named === undefined ? id : id.slice(0, -named.length - 1);
  const engine = engines.get(id) ?? engines.get(name);
  if (!engine)
    throw new ApiError(
      404,
      `The model '${id.slice(0, 200)}' does not exist. There are: ${modelIds(engines).join(", ")}.`,
      {
        param: "model",
        code: "model_not_found",
      },
    );
  if (engine.death) throw engineEnded(engine.death);
  const suffix = engines.has(id) ? undefined : named;
  if (suffix !== undefined && method !== undefined && suffix !== method)
    throw new ApiError(400, `The model asks by ${suffix}, grit.method by ${method}. Name one.`, {
      param: "grit.method",
      code: "invalid_value",
    });
  return { engine, method: suffix ?? method };
}
