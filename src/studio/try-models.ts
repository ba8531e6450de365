/**
 * @file The models that the studio lets a reader try: the base and the trained model of one run at a time, or the tiny base. They
 * are opened when the first question is asked.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../tools/places.mjs";
import type { Engine } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { kindOf } from "../hub/folder-kind.ts";
import { modelFolder } from "../hub/resolve.ts";
import { checkpointsIn } from "../hub/run-checkpoints.ts";
import { askedAs } from "../prompt/asked-as.ts";
import type { ChatEngine } from "../serve/answers.ts";
import { UserError } from "../util/errors.ts";
import type { FoundFolder } from "./found-folders.ts";
import { readRecipe } from "./run-entry.ts";
import type { TriedModel, TriedName } from "./studio-data.ts";

/** What is tried where no run says otherwise. */
const TINY_BASE = join(packageRoot, "models", "grit-tiny-base");

/** A model that can be opened. */
interface Candidate {
  readonly name: TriedName;
  readonly folder: string;
  readonly method: string;
}

export class TryModels {
  /** What is open, for the chat routes. */
  readonly engines = new Map<string, ChatEngine>();
  #open = new Map<TriedName, { readonly folder: string; readonly engine: Engine }>();
  /** Openings and closings come one after another. */
  #last: Promise<unknown> = Promise.resolve();

  /** The models of a run that are on this machine; the tiny base without a run, or where the run's own base is gone. */
  async of(run: FoundFolder | undefined): Promise<TriedModel[]> {
    const candidates = await candidatesOf(run);
    return candidates.map(({ name, folder, method }) => ({
      name,
      folder,
      method,
      isOpen: this.#open.get(name)?.folder === folder && !this.#open.get(name)!.engine.death,
    }));
  }

  /**
   * Opens the models of a run, after closing those of another.
   * @throws UserError when one cannot be opened, e.g. for want of memory
   */
  async open(run: FoundFolder | undefined): Promise<TriedModel[]> {
    const work = this.#last.then(async () => {
      const candidates = await candidatesOf(run);
      for (const [name, { folder, engine }] of this.#open) {
        const isWanted = candidates.some((each) => each.name === name && each.folder === folder);
        if (!isWanted || engine.death) await this.#close(name);
      }
      for (const { name, folder } of candidates) {
        if (this.#open.has(name)) continue;
        const engine = await RemoteEngine.open(folder, { ...(askedAs(folder) && { image: askedAs(folder)!.image }) });
        this.#open.set(name, { folder, engine });
        this.engines.set(name, engine);
      }
    });
    // One that fails does not stop the next.
    this.#last = work.catch(() => {});
    await work;
    return this.of(run);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await this.#last;
    for (const name of [...this.#open.keys()]) await this.#close(name);
  }

  async #close(name: TriedName): Promise<void> {
    this.engines.delete(name);
    const { engine } = this.#open.get(name)!;
    this.#open.delete(name);
    await engine.dispose();
  }
}

async function candidatesOf(run: FoundFolder | undefined): Promise<Candidate[]> {
  const { model, method = "grit" } = run ? await readRecipe(run.dir) : {};
  const base = (model !== undefined && folderOf(model)) || TINY_BASE;
  const trained =
    run && [join(run.dir, "model"), checkpointsIn(run.dir).at(-1)?.dir].find((dir) => dir && isModel(dir));
  return [
    { name: "base", folder: base, method },
    ...(trained ? [{ name: "trained" as const, folder: trained, method }] : []),
  ];
}

/** The folder that a recipe's model means; undefined where it is not on this machine. */
function folderOf(model: string): string | undefined {
  try {
    const folder = modelFolder(model);
    return isModel(folder) ? folder : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function isModel(dir: string): boolean {
  return existsSync(dir) && kindOf(dir) === "model";
}
