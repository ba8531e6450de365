/** @file Requests to other machines: by the proxy that the environment names, and no answer longer than expected. */
import { EnvHttpProxyAgent, fetch, type RequestInit, type Response } from "undici";

export type { Response } from "undici";

/** The agents by the proxies that they know; connections stay open for the next request. */
const agents = new Map<string, EnvHttpProxyAgent>();

/** `fetch`, through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their small letters) name for the address. */
export function request(url: string, init: RequestInit): Promise<Response> {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY, no_proxy, NO_PROXY } = process.env;
  const [httpProxy, httpsProxy, noProxy] = [http_proxy ?? HTTP_PROXY, https_proxy ?? HTTPS_PROXY, no_proxy ?? NO_PROXY];
  const key = JSON.stringify([httpProxy, httpsProxy, noProxy]);
  const dispatcher = agents.get(key) ?? new EnvHttpProxyAgent();
  agents.set(key, dispatcher);
  return fetch(url, { ...init, dispatcher });
}

/** The body as UTF-8, without a byte-order mark. @throws as `bytesOf` */
export async function textOf(response: Response, most: number): Promise<string> {
  return new TextDecoder().decode(await bytesOf(response, most));
}

/** The body. @throws when it has more than `most` bytes; no more of it is read then */
export async function bytesOf(response: Response, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    // Leaving the loop cancels the body.
    if (length > most) throw new Error(`the answer has more than ${most / 1e6} MB`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Milliseconds that the headers ask to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). */
export function retryAfter({ headers }: Response): number | undefined {
  const exact = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (exact >= 0) return exact;
  const text = headers.get("retry-after") ?? "";
  const wait = /^\d+(\.\d+)?$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0);
}

/** `fetch` says only that it failed; its cause says why, and has the code. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && !cause.message.includes(String(cause.code))
    ? `${cause.code} ${cause.message}`
    : cause.message;
}
