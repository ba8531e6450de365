/** @file Who may ask a server: Host and Origin on loopback, where a page of any site could ask; the key elsewhere. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { UserError } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";

/** Where a server listens, and what it asks for. */
export interface Access {
  /** A name or an address of this machine. */
  readonly host: string;
  /** Asked for as `Authorization: Bearer KEY`. Without one anybody who reaches the server may ask. */
  readonly key?: string | undefined;
  /** Origins of web pages that may ask, e.g. `https://my.example`. */
  readonly origins?: readonly string[];
}

/** @throws UserError: a host beyond this machine without a key; a key or an origin that cannot be one */
export function checkAccess({ host, key, origins = [] }: Access): void {
  if (key === undefined && !isLoopback(host))
    throw new UserError(
      `Listening at ${host} lets other machines ask, and there is no key.`,
      "Set GRIT_KEY to a long random text, or listen at 127.0.0.1.",
    );
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key))
    throw new UserError(
      "The key is empty, or has characters that a header cannot carry.",
      "Use letters, digits and marks without spaces.",
    );
  for (const origin of origins)
    if (originOf(origin) !== origin)
      throw new UserError(`--allow-origin ${origin} is not an origin.`, "Write one like https://my.example:8080.");
}

/**
 * Refuses requests that a foreign web page makes. On loopback the Host must be this machine's name (DNS rebinding) and a page's
 * Origin the server's own. Allowed origins may ask from anywhere, by CORS.
 */
export function sameSite({ host: at, origins = [] }: Access): MiddlewareHandler {
  const hosts = new Set(origins.map((origin) => new URL(origin).host));
  const local = isLoopback(at);
  return async (c, next) => {
    const [host, origin] = [c.req.header("host") ?? "", c.req.header("origin")];
    if (local && !hosts.has(host) && !isLoopback(nameIn(host)))
      throw new ApiError(403, `The Host ${JSON.stringify(host)} is not this machine. Name it with --allow-origin.`);
    const allowed = origin !== undefined && origins.includes(origin);
    if (local && origin !== undefined && !allowed && origin !== `http://${host}`)
      throw new ApiError(403, `Pages of ${JSON.stringify(origin)} may not ask. Name it with --allow-origin.`);
    if (!allowed) return next();
    c.header("Access-Control-Allow-Origin", origin);
    c.header("Vary", "Origin");
    if (c.req.method !== "OPTIONS") return next();
    c.header("Access-Control-Allow-Methods", "GET, POST");
    // OpenAI's client sends many of its own.
    c.header("Access-Control-Allow-Headers", c.req.header("access-control-request-headers") ?? "");
    c.header("Access-Control-Max-Age", "600");
    return c.body(null, 204);
  };
}

/** Refuses requests without the key. Comparing takes the same time wherever a wrong key differs. */
export function keyed({ key }: Access): MiddlewareHandler {
  const wanted = key === undefined ? undefined : digest(key);
  return async (c, next) => {
    const given = /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (wanted === undefined || (given !== undefined && timingSafeEqual(digest(given), wanted))) return next();
    const message = given === undefined ? "Send the server's key as `Authorization: Bearer KEY`." : "The key is wrong.";
    throw new ApiError(401, message, { code: "invalid_api_key", headers: { "WWW-Authenticate": "Bearer" } });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Does only this machine reach a server at this name or address? */
export function isLoopback(host: string): boolean {
  return /^(localhost|\[?::1\]?|127(\.\d{1,3}){3})$/i.test(host);
}

/** The name in a Host header, without its port. */
function nameIn(host: string): string {
  return host.replace(/:\d*$/, "");
}

function originOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).origin : undefined;
}
