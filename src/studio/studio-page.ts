/** @file The files of the studio's page, as they were built. They are few and small, and held in memory. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Hono, type MiddlewareHandler } from "hono";
import { UserError } from "../util/errors.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Only what comes from this server is loaded; no page may frame it. Pictures that a user drops are `blob:`. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Says with every answer what the page may load, and that nothing is what it does not say it is. */
export const pageHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("Content-Security-Policy", POLICY);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
};

/**
 * Serves the page at `/` and its files under their names; nothing else.
 * @throws UserError when the page is not built
 */
export function studioPageRoutes(folder: string): Hono {
  if (!existsSync(join(folder, "index.html"))) {
    throw new UserError(`The studio's page is not built (${folder}).`, "Run: npm run setup");
  }
  const app = new Hono();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = file.slice(folder.length).replaceAll("\\", "/");
    const bytes = new Uint8Array(readFileSync(file));
    const tag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
    app.get(path === "/index.html" ? "/" : path, (c) => {
      c.header("ETag", tag);
      c.header("Cache-Control", "no-cache");
      if (c.req.header("if-none-match") === tag) return c.body(null, 304);
      c.header("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      return c.body(bytes);
    });
  }
  return app;
}
