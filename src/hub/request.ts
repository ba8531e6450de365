/** @file One request to the hub: the token goes to the hub alone, and temporary failures are told apart from final ones. */
import { type Response, reasonOf, request, retryAfter, textOf } from "../util/http.ts";
import type { Hub } from "./hub.ts";
import { refusal, type Wanted } from "./refusal.ts";
import { Transient } from "./retry.ts";

/**
 * The answer to a GET, redirects followed; its status is 2xx, or 416 for a range that the server does not have. `fetch` drops the
 * Authorization header at the first redirect to another host, and gives up on a connection that is silent for five minutes.
 * @throws Transient for a failure that may be temporary; UserError for one that is not
 */
export async function get(
  hub: Hub,
  url: string,
  wanted: Wanted,
  { start = 0, signal }: { start?: number; signal?: AbortSignal | undefined } = {},
): Promise<Response> {
  const headers = {
    "user-agent": "grit-ts",
    // A range counts the bytes that are sent, so they must be those of the file.
    "accept-encoding": "identity",
    ...(hub.token && { authorization: `Bearer ${hub.token}` }),
    ...(start > 0 && { range: `bytes=${start}-` }),
  };
  const response = await request(url, { headers, ...(signal && { signal }) }).catch((error: unknown) => {
    throw new Transient(`${new URL(url).host} cannot be reached (${reasonOf(error)})`);
  });
  const { status } = response;
  if (response.ok || status === 416) return response;
  await response.body?.cancel();
  if (status === 429) throw new Transient(`${new URL(url).host} answers 429: too many requests`, retryAfter(response));
  if (status >= 500 || status === 408)
    throw new Transient(`${new URL(url).host} answers ${status}`, retryAfter(response));
  throw refusal(hub, wanted, status, response.headers);
}

/** The body as it comes. @throws Transient when the connection is lost before its end */
export async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body ?? [];
  } catch (error) {
    throw new Transient(`the connection was lost (${reasonOf(error)})`);
  }
}

/** A body of at most so many bytes, as text. @throws Transient when the connection is lost before its end, or it is longer */
export async function read(response: Response, most: number): Promise<string> {
  return await textOf(response, most).catch((error: unknown) => {
    throw new Transient(`the connection was lost (${reasonOf(error)})`);
  });
}
