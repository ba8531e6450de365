/**
 * @file Writes the report of a run: one self-contained page. It makes no requests (its content security policy forbids them),
 * opens from a file, and shows as much of a live run as there is.
 */

import path from "node:path";
import { readRollouts, readRunFolder } from "../run/read-run.ts";
import { writeWhole } from "../util/files.ts";
import { chainsSection } from "./chain-cards.ts";
import { curvesSection } from "./curves.ts";
import { factsSection } from "./facts.ts";
import { gallerySection } from "./gallery.ts";
import { renderPage, type Section } from "./page.ts";
import { Pictures } from "./picture.ts";
import { beforeAfterSection, rowsSection } from "./results.ts";
import { judge } from "./run-verdict.ts";

/**
 * Writes `report.html` into a run folder, whole or not at all, and gives its path. A live run is reported as far as it has come.
 * Throws `UserError` when the folder holds no run or a file in it is invalid.
 */
export async function writeReport(runDir: string): Promise<string> {
  const folder = await readRunFolder(runDir);
  const { rolloutSteps: steps } = folder;
  const shown = [...new Set([steps[0], steps[Math.floor((steps.length - 1) / 2)], steps.at(-1)])].filter(
    (step) => step !== undefined,
  );
  const rollouts = await Promise.all(shown.map((step) => readRollouts(runDir, step)));
  const verdict = judge(folder, new Set(rollouts.flat().map((line) => line.dataset)));
  const pictures = new Pictures(runDir);

  const { summary, metrics, evals } = folder;
  const before = evals.get("before") ?? [];
  const after = evals.get("after") ?? [];
  const sections: Section[] = [
    { id: "results", title: "Results", body: summary?.sets && beforeAfterSection(summary, verdict.trainedSets) },
    { id: "references", title: "References", body: summary?.rows?.length ? rowsSection(summary) : undefined },
    { id: "training", title: "Training", body: metrics.length > 0 ? curvesSection(metrics) : undefined },
    {
      id: "chains",
      title: "Chains",
      body: before.length + after.length > 0 ? chainsSection(before, after, pictures) : undefined,
    },
    {
      id: "groups",
      title: "Groups",
      body: rollouts.flat().length > 0 ? gallerySection(rollouts, pictures) : undefined,
    },
    { id: "run", title: "Run", body: factsSection(folder) },
  ];
  const name = path.basename(path.resolve(runDir));
  const page = renderPage({ name, verdict, summary, sections, gallery: await pictures.gallery() });
  const file = path.join(runDir, "report.html");
  writeWhole(file, page.markup);
  return file;
}
