/** @file Opens the studio over a folder: its page, and the runs that the page asks for. Nothing is ever written there. */

import { resolve } from "node:path";
import { Hono } from "hono";
import { studioPage } from "../../tools/places.mjs";
import { withApiErrors } from "../serve/api-error.ts";
import { sameSite } from "../serve/guards.ts";
import { type Listening, listen } from "../serve/listen.ts";
import { Catalog } from "./catalog.ts";
import { pageHeaders, studioPageRoutes } from "./studio-page.ts";
import { studioRoutes } from "./studio-routes.ts";
import { TryModels } from "./try-models.ts";
import { tryRoutes } from "./try-routes.ts";

/** Other machines cannot reach it. */
const HOST = "127.0.0.1";

/**
 * The whole app over a folder of runs, or one run; a folder that is not there yet has none. Requests of foreign pages are refused.
 * @throws UserError when the page is not built
 */
export function studioApp(folder: string, { page = studioPage, models = new TryModels() } = {}): Hono {
  const catalog = new Catalog(resolve(folder));
  const app = new Hono();
  app.use(pageHeaders, sameSite({ host: HOST }, "The studio answers its own page on this machine."));
  app.route("/", studioPageRoutes(page));
  app.route("/", studioRoutes(catalog));
  app.route("/", tryRoutes(catalog, models));
  return withApiErrors(app);
}

/** Listens on this machine; port 0 is any free one. @throws UserError as `studioApp`, and when the port is taken */
export async function openStudio(folder: string, port: number): Promise<Listening> {
  const models = new TryModels();
  const { url, close } = await listen(studioApp(folder, { models }), { host: HOST, port });
  return {
    url,
    async close(seconds) {
      await close(seconds);
      await models.close();
    },
  };
}
