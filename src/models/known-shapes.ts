/**
 * @file Released models by hub id, without their weights: `shapes/` of the package holds as much of their config.json as says
 * which parameters there are. A plan of memory needs no more, and so no download.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../tools/places.mjs";
import { readModel } from "./architectures.ts";
import type { Model } from "./model.ts";

/** A released model, or undefined where its shapes are not known here. The original layout has the shapes of `-hf`, but for queries, keys and values in one. */
export function knownModel(id: string): Model | undefined {
  const folder = [id, `${id}-hf`]
    .map((name) => join(packageRoot, "shapes", name))
    .find((dir) => existsSync(join(dir, "config.json")));
  return folder === undefined ? undefined : readModel(folder);
}
