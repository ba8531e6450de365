/**
 * @file Evaluations, those of runs and those that `grit eval` wrote by themselves. An image is asked for by the line of the answer
 * that names it.
 *
 *     GET /api/evaluations                            all
 *     GET /api/evaluations/:evaluation                the answers of one
 *     GET /api/evaluations/:evaluation/table?against= its sets, or those of two
 *     GET /api/evaluations/:evaluation/answers?lines= whole answers
 *     GET /api/evaluations/:evaluation/images/:line   the image of an answer
 */

import { resolve } from "node:path";
import { Hono } from "hono";
import { z } from "zod";
import type { Catalog } from "./catalog.ts";
import { EvaluationTables } from "./evaluation-tables.ts";
import { sendImage } from "./named-image.ts";
import { count, lines, there, valid } from "./route-input.ts";
import { runImage } from "./run-image.ts";
import type { EvaluationEntry } from "./studio-data.ts";

export function evaluationRoutes(catalog: Catalog): Hono {
  const app = new Hono();
  const tables = new EvaluationTables();

  /** @throws ApiError 404 */
  const evaluation = async (id: string) => there(await catalog.evaluation(id), "evaluation");
  const answered = async (id: string) => ({ id, facts: await (await evaluation(id)).answers.facts() });

  app.get("/api/evaluations", async (c) => {
    const { evaluations } = await catalog.look();
    const list = evaluations.map(({ id, run }): EvaluationEntry => ({ id, run: run?.id ?? null }));
    return c.json(list);
  });

  app.get("/api/evaluations/:evaluation", async (c) => c.json((await answered(c.req.param("evaluation"))).facts));

  app.get("/api/evaluations/:evaluation/table", async (c) => {
    const { against } = valid(z.object({ against: z.string().optional() }), c.req.query());
    const first = await answered(c.req.param("evaluation"));
    return c.json(await tables.table(first, against === undefined ? undefined : await answered(against)));
  });

  app.get("/api/evaluations/:evaluation/answers", async (c) => {
    const query = valid(z.object({ lines }), c.req.query());
    const { answers } = await evaluation(c.req.param("evaluation"));
    return c.json(await answers.read(query.lines));
  });

  app.get("/api/evaluations/:evaluation/images/:line", async (c) => {
    const line = valid(count, c.req.param("line"));
    const { run, dir, answers } = await evaluation(c.req.param("evaluation"));
    const [answer] = await answers.read([line]);
    const { image } = there(answer, "answer");
    if (!run) return sendImage(c, resolve(dir, image));
    // A run has its images in a folder of its own.
    const sent = there(await runImage(run.dir, image.slice(image.lastIndexOf("/") + 1)), "image");
    c.header("Content-Type", sent.type);
    return c.body(sent.bytes);
  });

  return app;
}
