/**
 * @file What the studio's page asks for. Runs are found by the catalogue, steps and lines are numbers, and images have names
 * without folders, so no address leads to another file.
 *
 *     GET /api/runs                                  all runs
 *     GET /api/runs/:run                             one, with its recipe and its steps
 *     GET /api/runs/:run/metrics?after=&names=       columns over the steps
 *     GET /api/runs/:run/steps/:step?words=&…        the chains of a step that a filter wants
 *     GET /api/runs/:run/steps/:step/chains?lines=   whole chains
 *     GET /api/runs/:run/steps/:step/tokens/:line    the tokens of a chain
 *     GET /api/runs/:run/find?from=&direction=&…     the next step with a chain that a filter wants
 *     GET /api/runs/:run/images/:name                an image
 *     GET /api/changes                               what changes from now on, as server-sent events
 *
 * evaluation-routes.ts and data-routes.ts have the rest.
 */

import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import { ApiError, withApiErrors } from "../serve/api-error.ts";
import { UserError } from "../util/errors.ts";
import type { Catalog } from "./catalog.ts";
import { OUTCOMES } from "./chain-filter.ts";
import { dataRoutes } from "./data-routes.ts";
import { evaluationRoutes } from "./evaluation-routes.ts";
import { LiveChanges } from "./live-changes.ts";
import { count, lines, listed, there, valid, words } from "./route-input.ts";
import { readRun, runEntry } from "./run-entry.ts";
import { runImage } from "./run-image.ts";
import type { MetricColumns, RunFacts, RunList, StepChains } from "./studio-data.ts";

/** Milliseconds between two signs of life to a page that listens. */
const SIGN_OF_LIFE = 15_000;

const filter = z.object({
  words,
  dataset: z.string().optional(),
  task: z.string().optional(),
  outcome: z.enum(OUTCOMES).optional(),
  least: z.coerce.number().optional(),
  most: z.coerce.number().optional(),
});
const metricsQuery = z.object({ after: z.coerce.number().optional(), names: listed.optional() });
const findQuery = filter.extend({ from: z.coerce.number(), direction: z.enum(["1", "-1"]) });

/** The routes over the runs of a catalogue. Everything is read when it is asked for, so a run that trains is seen as it grows. */
export function studioRoutes(catalog: Catalog): Hono {
  const app = new Hono();
  const live = new LiveChanges(catalog);

  /** @throws ApiError 404 */
  const runOf = async (id: string) => there(await catalog.run(id), "run");

  app.get("/api/runs", async (c) => {
    const { runs } = await catalog.look();
    const list: RunList = {
      folder: catalog.folder,
      runs: await Promise.all(runs.map(({ id, dir }) => runEntry(id, dir))),
    };
    return c.json(list);
  });

  app.get("/api/runs/:run", async (c) => {
    const { id, dir, rollouts } = await runOf(c.req.param("run"));
    const facts: RunFacts = {
      ...(await runEntry(id, dir)),
      run: (await readRun(dir)) ?? null,
      rolloutSteps: await rollouts.steps(),
    };
    return c.json(facts);
  });

  app.get("/api/runs/:run/metrics", async (c) => {
    const query = valid(metricsQuery, c.req.query());
    const { metrics } = await runOf(c.req.param("run"));
    await metrics.refresh();
    return c.json<MetricColumns>(metrics.columns(query));
  });

  app.get("/api/runs/:run/steps/:step", async (c) => {
    const step = valid(count, c.req.param("step"));
    const query = valid(filter, c.req.query());
    const { rollouts } = await runOf(c.req.param("run"));
    return c.json<StepChains>(await rollouts.chains(step, query));
  });

  app.get("/api/runs/:run/steps/:step/chains", async (c) => {
    const step = valid(count, c.req.param("step"));
    const query = valid(z.object({ lines }), c.req.query());
    const { rollouts } = await runOf(c.req.param("run"));
    return c.json(await rollouts.read(step, query.lines));
  });

  app.get("/api/runs/:run/steps/:step/tokens/:line", async (c) => {
    const step = valid(count, c.req.param("step"));
    const line = valid(count, c.req.param("line"));
    const { rollouts, tokens } = await runOf(c.req.param("run"));
    const [chain] = await rollouts.read(step, [line]);
    if (!chain) throw new ApiError(404, `Step ${step} has no chain in line ${line + 1}.`);
    const told = await tokens.of(chain).catch((error) => {
      throw error instanceof UserError ? new ApiError(409, error.message) : error;
    });
    return c.json(told);
  });

  app.get("/api/runs/:run/find", async (c) => {
    const { from, direction, ...query } = valid(findQuery, c.req.query());
    const { rollouts } = await runOf(c.req.param("run"));
    return c.json(await rollouts.find(from, direction === "1" ? 1 : -1, query));
  });

  app.get("/api/runs/:run/images/:name", async (c) => {
    const { dir } = await runOf(c.req.param("run"));
    const image = there(await runImage(dir, c.req.param("name")), "image");
    // It is named by the hash of its bytes.
    c.header("Cache-Control", "private, max-age=31536000, immutable");
    c.header("Content-Type", image.type);
    return c.body(image.bytes);
  });

  app.get("/api/changes", (c) =>
    streamSSE(c, async (stream) => {
      const end = await live.listen((changes) => void stream.writeSSE({ data: JSON.stringify(changes) }));
      stream.onAbort(end);
      await stream.writeSSE({ event: "ready", data: "" });
      while (!stream.aborted) {
        await stream.sleep(SIGN_OF_LIFE);
        await stream.write(": still here\n\n");
      }
    }),
  );

  return withApiErrors(app.route("/", evaluationRoutes(catalog)).route("/", dataRoutes(catalog)));
}
