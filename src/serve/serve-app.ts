/** @file The server as one app: who may ask, the chat routes, `/health` and `/metrics`. */
import { Hono } from "hono";
import { routePath } from "hono/route";
import { engineEnded, withApiErrors } from "./api-error.ts";
import { type ChatOptions, chatRoutes } from "./chat-routes.ts";
import { type Access, keyed, sameSite } from "./guards.ts";
import { ServerMetrics } from "./server-metrics.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ServeOptions extends ChatOptions {
  readonly access: Access;
}

/** `/health` says whether the model is loaded and lives; all else but that asks for the key, if there is one. */
export function serveApp({
  access,
  queue = new WorkQueue(),
  metrics = new ServerMetrics(),
  ...chat
}: ServeOptions): Hono {
  const app = withApiErrors(new Hono());
  app.use(async (c, next) => {
    await next();
    // The route, since there are few of them and any number of paths.
    metrics.request(routePath(c, -1), c.res.status);
  });
  app.use(sameSite(access));
  app.get("/health", (c) => {
    const engines = [...chat.engines.values()];
    if (engines.length === 0) return c.json({ status: "loading" }, 503);
    const { death } = engines.find((engine) => engine.death) ?? {};
    return death ? c.json({ status: "failed", reason: engineEnded(death).message }, 503) : c.json({ status: "ok" });
  });
  app.use(keyed(access));
  app.get("/metrics", (c) => c.text(metrics.text(queue.turns), 200, { "Content-Type": "text/plain; version=0.0.4" }));
  return app.route("/v1", chatRoutes({ ...chat, queue, metrics }));
}
