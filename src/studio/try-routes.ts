/**
 * @file What the page asks to try models: which there are, to open them, something to ask, and the chat itself.
 *
 *     GET  /api/try?run=           the models of a run
 *     POST /api/try?run=           opens them
 *     GET  /api/try/scenes         rendered scenes with questions
 *     POST /v1/chat/completions    OpenAI's interface over what is open, as `grit serve` has it
 */

import { Hono } from "hono";
import { askCount } from "../data/scenes/ask-count.ts";
import { askRelation } from "../data/scenes/ask-relation.ts";
import { renderScene, toPng } from "../data/scenes/render.ts";
import { mixedScene } from "../data/scenes/world.ts";
import { ApiError } from "../serve/api-error.ts";
import { chatRoutes } from "../serve/chat-routes.ts";
import { UserError } from "../util/errors.ts";
import { stream } from "../util/random.ts";
import type { Catalog } from "./catalog.ts";
import type { FoundFolder } from "./found-folders.ts";
import type { SceneExample, TriedModel } from "./studio-data.ts";
import type { TryModels } from "./try-models.ts";

const SCENES = 6;

export function tryRoutes(catalog: Catalog, models: TryModels): Hono {
  const app = new Hono();

  /** @throws ApiError 404 */
  async function runOf(id: string | undefined): Promise<FoundFolder | undefined> {
    if (id === undefined) return undefined;
    const run = await catalog.run(id);
    if (!run) throw new ApiError(404, "There is no such run.");
    return run;
  }

  app.get("/api/try", async (c) => c.json<TriedModel[]>(await models.of(await runOf(c.req.query("run")))));

  app.post("/api/try", async (c) => {
    const opened = await models.open(await runOf(c.req.query("run"))).catch((error) => {
      throw error instanceof UserError ? new ApiError(409, error.message) : error;
    });
    return c.json<TriedModel[]>(opened);
  });

  app.get("/api/try/scenes", async (c) => c.json(await scenes()));

  return app.route("/v1", chatRoutes({ engines: models.engines }));
}

/** Scenes of the kind that the tiny models know, relations and counts in turn. */
async function scenes(): Promise<SceneExample[]> {
  const found: SceneExample[] = [];
  for (let i = 0; found.length < SCENES; i++) {
    const random = stream(2026, "scenes to try", i);
    const scene = mixedScene(random);
    const question = i % 2 === 0 ? askRelation(scene, random, i % 4 === 0) : askCount(scene, random);
    if (!question) continue;
    const png = await toPng(renderScene(scene));
    found.push({ question: question.text, image: `data:image/png;base64,${Buffer.from(png).toString("base64")}` });
  }
  return found;
}
