/**
 * @file Data files that recipes name, their samples and images, and what checks found in them. Lines are counted from 1, as in what
 * checks say.
 *
 *     GET /api/data                               all files
 *     GET /api/data/:file?from=&around=&words=&…  some of the samples that a filter wants
 *     GET /api/data/:file/checks                  the checks of recipes that name the file
 *     GET /api/data/:file/lines/:line             a whole sample
 *     GET /api/data/:file/lines/:line/image       its image
 */

import { Hono } from "hono";
import { z } from "zod";
import type { Catalog } from "./catalog.ts";
import { DataFiles } from "./data-files.ts";
import { DATA_OUTCOMES } from "./data-filter.ts";
import { sendImage } from "./named-image.ts";
import { count, there, valid, words } from "./route-input.ts";

/** Samples that are sent at once. */
const ROWS = 100;

const rowsQuery = z.object({
  from: count.optional(),
  around: count.optional(),
  words,
  dataset: z.string().optional(),
  task: z.string().optional(),
  outcome: z.enum(DATA_OUTCOMES).optional(),
});

export function dataRoutes(catalog: Catalog): Hono {
  const app = new Hono();
  const files = new DataFiles(catalog);

  /** @throws ApiError 404 */
  const linesOf = async (id: string) => there(await files.lines(id), "data file");

  app.get("/api/data", async (c) => c.json(await files.look()));

  app.get("/api/data/:file", async (c) => {
    const { from, around, ...filter } = valid(rowsQuery, c.req.query());
    const lines = await linesOf(c.req.param("file"));
    return c.json(await lines.rows(filter, { from, around, count: ROWS }));
  });

  app.get("/api/data/:file/checks", async (c) => c.json(there(await files.checks(c.req.param("file")), "data file")));

  app.get("/api/data/:file/lines/:line", async (c) => {
    const line = valid(count, c.req.param("line"));
    const lines = await linesOf(c.req.param("file"));
    return c.json(there(await lines.sample(line), "line"));
  });

  app.get("/api/data/:file/lines/:line/image", async (c) => {
    const line = valid(count, c.req.param("line"));
    const lines = await linesOf(c.req.param("file"));
    return sendImage(c, await lines.image(line));
  });

  return app;
}
