/**
 * @file The data files that recipes of runs and checks under the studio's folder name. Only these are read, and of images only those
 * that their lines name: an address has the number of a file and of a line, never a path.
 */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { Lru } from "../prompt/lru.ts";
import { CHECK_FILE, checkFileSchema, type RecipeData, recipeDataSchema } from "../run/check-file.ts";
import type { Catalog } from "./catalog.ts";
import { DataLines } from "./data-lines.ts";
import { parseLine } from "./parse-line.ts";
import { readRun } from "./run-entry.ts";
import type { DataCheck, DataFileEntry } from "./studio-data.ts";

/** Files whose lines are kept indexed. */
const KEPT = 4;

/** A data file, and where its image paths start if not beside it. */
export interface DataFile extends Omit<DataFileEntry, "isThere"> {
  readonly images: string | undefined;
}

/** A recipe as far as it is read here; it may be one of another version. */
const recipeSchema = z.object({ data: recipeDataSchema });

export class DataFiles {
  readonly #catalog: Catalog;
  #files = new Map<string, DataFile>();
  readonly #lines = new Lru<DataLines>(KEPT, () => 1);

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** All files, those of the first runs first. */
  async look(): Promise<DataFileEntry[]> {
    const { runs, checks } = await this.#catalog.look();
    const files = new Map<string, DataFile>();
    const add = (by: string, as: string, path: string, images: string | undefined) => {
      // A recipe of a run is resolved.
      if (!isAbsolute(path)) return;
      const id = createHash("sha256").update(`${path}\0${images}`).digest("hex").slice(0, 16);
      files.set(id, { id, path, images, uses: [...(files.get(id)?.uses ?? []), { by, as }] });
    };
    const addAll = (by: string, { train, images, eval: sets }: RecipeData) => {
      for (const path of train) add(by, "train", path, images);
      for (const [set, path] of Object.entries(sets)) add(by, set, path, images);
    };
    for (const { id, dir } of runs) {
      const recipe = recipeSchema.safeParse((await readRun(dir))?.recipe);
      if (recipe.success) addAll(id, recipe.data.data);
    }
    for (const { id, data } of await this.#checks(checks)) addAll(id, data);
    this.#files = files;
    const entries = [...files.values()].map(async ({ images: _, ...file }) => ({
      ...file,
      isThere: await isFile(file.path),
    }));
    return Promise.all(entries);
  }

  /** The lines of a file by its address; undefined where no recipe names it, or it is not there. */
  async lines(id: string): Promise<DataLines | undefined> {
    const file = await this.#find(id);
    // A pipe would never end.
    if (!file || !(await isFile(file.path))) return undefined;
    const lines = this.#lines.get(id) ?? new DataLines(file.path, file.images);
    this.#lines.set(id, lines);
    return lines;
  }

  /** The checks of recipes that name a file, the newest first; undefined where no recipe names it. */
  async checks(id: string): Promise<DataCheck[] | undefined> {
    const file = await this.#find(id);
    if (!file) return undefined;
    const { checks } = await this.#catalog.look();
    const names = ({ data }: DataCheck) => [...data.train, ...Object.values(data.eval)].includes(file.path);
    return (await this.#checks(checks)).filter(names).sort((a, b) => (a.made < b.made ? 1 : -1));
  }

  async #find(id: string): Promise<DataFile | undefined> {
    if (!this.#files.has(id)) await this.look();
    return this.#files.get(id);
  }

  /** The checks in some folders; those that are damaged are left out. */
  async #checks(folders: readonly { readonly id: string; readonly dir: string }[]): Promise<DataCheck[]> {
    const found = folders.map(async ({ id, dir }) => {
      const text = await readFile(join(dir, CHECK_FILE), "utf8").catch(() => "");
      const check = parseLine(text, checkFileSchema);
      return check ? [{ id, ...check }] : [];
    });
    return (await Promise.all(found)).flat();
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
