/**
 * @file One evaluation of a model, a way of asking, a judge and sets, written into a folder as it goes.
 *
 *     manifest.json   all that decides the numbers, written before the first answer
 *     samples.jsonl   one line a sample, kept as batches are answered, and again as they are judged; in the order of the
 *                     sets at the end
 *     summary.json    each metric of each set once, with its interval
 *
 * The same evaluation, started again in its folder, continues where it stopped; another one is refused.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { modelHash } from "../checkpoint/hash.ts";
import { dataHash, loadSamples } from "../data/samples.ts";
import { checkPrompts } from "../engine/check-prompts.ts";
import type { Engine } from "../engine/engine.ts";
import type { Judge, Rater } from "../judge/judge.ts";
import { METHODS, userText } from "../prompt/methods.ts";
import type { Answered } from "../run/lines.ts";
import { PRECISIONS, type Precision } from "../torch/precision.ts";
import { thereAndNow } from "../util/differences.ts";
import { UserError } from "../util/errors.ts";
import { Faults, firstFew } from "../util/faults.ts";
import { needWritable, writeWhole } from "../util/files.ts";
import { FolderLock, LOCK } from "../util/folder-lock.ts";
import { versions } from "../util/versions.ts";
import { aggregate } from "./aggregate.ts";
import { type AskedSet, type Asking, answerMissing, BATCH, type Following } from "./ask.ts";
import { type Evaluation, type Manifest, manifestDifferences } from "./manifest.ts";
import { readManifest, readSampleLines } from "./read-evaluations.ts";

const SAMPLES = "samples.jsonl";

/** A set with the hash of its samples and images. */
export interface HashedSet extends AskedSet {
  readonly sha256: string;
  /** How many the file has, where only its first samples are asked. */
  readonly of?: number;
}

/** What is to be measured. */
export interface EvaluationPlan {
  readonly name: string;
  /** The checkpoint folder that the engine has opened. */
  readonly model: string;
  readonly sets: readonly HashedSet[];
  readonly asking: Asking;
  readonly judge: Judge | Rater;
}

export interface EvaluationFollowing extends Following {
  /** Where answers are kept. */
  readonly dir?: string | undefined;
  /** Samples asked together. */
  readonly batch?: number;
  /** Called with the number of prompts laid out so far; not when the evaluation is resumed, since they were checked then. */
  readonly onChecked?: ((done: number) => void) | undefined;
  /** Called once, before the first answer, with the number of samples that were answered before an interruption. */
  readonly onFound?: (known: number) => void;
}

/**
 * Sets to be asked, by name; of each its first `limit` samples.
 * @throws UserError listing every fault of the files, and the ids that occur in several sets
 */
export async function loadSets(
  files: Readonly<Record<string, string>>,
  { images, limit }: { readonly images?: string | undefined; readonly limit?: number | undefined },
): Promise<HashedSet[]> {
  const sets = await Promise.all(
    Object.entries(files).map(async ([name, file]) => {
      const all = await loadSamples([file], { images });
      const samples = all.slice(0, limit);
      const sha256 = await dataHash(samples);
      return { name, samples, sha256, ...(samples.length < all.length && { of: all.length }) };
    }),
  );
  const setOf = new Map<string, string>();
  const shared: string[] = [];
  for (const { name, samples } of sets)
    for (const { id } of samples) {
      const other = setOf.get(id);
      if (other !== undefined) shared.push(`${id} in ${other} and ${name}`);
      setOf.set(id, name);
    }
  if (shared.length > 0) {
    throw new UserError(
      [`${shared.length} ids occur in several sets:`, ...firstFew(shared)].join("\n  "),
      "Answers are kept by id: give these lines ids of their own, or evaluate the sets one at a time.",
    );
  }
  return sets;
}

/**
 * Runs an evaluation, or continues the one in `dir`. Without `dir` nothing is written.
 * @throws UserError when `dir` holds another evaluation or anything else, and for images and questions that cannot be asked;
 * the signal's reason when it fires, and Interrupted when the judge fails, with all whole batches kept
 */
export async function runEvaluation(
  engine: Engine,
  plan: EvaluationPlan,
  { dir, batch = BATCH, onChecked, onFound, onProgress, signal }: EvaluationFollowing = {},
): Promise<Evaluation> {
  const manifest = await manifestOf(engine, plan);
  const ids = plan.sets.flatMap(({ samples }) => samples.map(({ id }) => id));
  using folder = dir === undefined ? undefined : new EvaluationFolder(dir, manifest);
  const known: ReadonlyMap<string, Answered> = folder?.known ?? new Map();
  // Once it has begun, its prompts have been checked: the manifest pins the data.
  if (known.size === 0) await checkSets(engine, plan, { onChecked, signal });
  folder?.begin();
  const made = new Map<string, Answered>();
  const answered = new Set(known.keys());
  onFound?.(answered.size);
  for (const set of plan.sets) {
    const before = answered.size;
    const batches = answerMissing(engine, set, plan.asking, plan.judge, {
      known,
      batch,
      onProgress: (part) => onProgress?.(Math.min(answered.size + part, before + set.samples.length)),
      signal,
    });
    for await (const lines of batches) {
      folder?.keep(lines);
      for (const line of lines) {
        made.set(line.id, line);
        answered.add(line.id);
      }
    }
  }
  if (!folder) return { dir: plan.name, manifest, samples: [...made.values()] };
  folder.finish(ids);
  const evaluation = { dir: folder.dir, manifest, samples: readSampleLines(folder.dir) };
  folder.write("summary.json", json({ name: plan.name, sets: aggregate(evaluation) }));
  return evaluation;
}

/** What `precision: auto` became in the evaluation in `dir`, if there is one: it continues with that, on any processor. */
export function settledFor(precision: Precision, dir: string | undefined): Precision {
  if (precision !== "auto" || dir === undefined || !existsSync(join(dir, "manifest.json"))) return precision;
  return PRECISIONS.find((each) => each === readManifest(dir).precision) ?? precision;
}

async function manifestOf(engine: Engine, plan: EvaluationPlan): Promise<Manifest> {
  const { method, prefix = "", temperature, maxTokens, seed } = plan.asking;
  const { template, images } = engine.processor;
  const content = [{ type: "image" } as const, { type: "text", text: userText("{question}", method) } as const];
  return {
    name: plan.name,
    model: { path: plan.model, sha256: await modelHash(plan.model) },
    prompt: {
      method,
      text: template.render([{ role: "user", content }]),
      prefix,
      stop: [...METHODS[method].stop],
      answer: METHODS[method].answer,
    },
    image: { ...images.config },
    decoding: { temperature, maxTokens, seed },
    judge: { name: plan.judge.name, ...plan.judge.service },
    precision: engine.precision,
    device: engine.device,
    sets: Object.fromEntries(
      plan.sets.map(({ name, samples, sha256, of }) => [
        name,
        { samples: samples.length, ...(of !== undefined && { of }), sha256 },
      ]),
    ),
    versions: versions(engine.libtorch),
  };
}

/**
 * For a check before a model is opened: can answers be kept in a folder? Nothing is written.
 * @throws UserError when another process evaluates into it, or it cannot be written
 */
export function needEvaluationFolder(dir: string): void {
  FolderLock.refuseInUse(dir);
  needWritable(join(dir, SAMPLES));
}

/** Lays out every prompt once: a bad image must not end an evaluation midway. @throws UserError naming all that are faulty */
export async function checkSets(
  engine: Engine,
  { sets, asking: { method, maxTokens } }: Pick<EvaluationPlan, "sets" | "asking">,
  { onChecked, signal }: Pick<EvaluationFollowing, "onChecked" | "signal"> = {},
): Promise<void> {
  const faults = new Faults();
  const planned = sets.flatMap(({ name, samples }) =>
    samples.map((sample) => ({ where: name, sample, method, newTokens: maxTokens })),
  );
  await checkPrompts(engine, planned, faults, { onProgress: onChecked, signal });
  faults.throwIfAny("the sets", "Fix the lines above and run the command again.");
}

/** The folder of an evaluation, from its beginning to its end. While answers are kept in it, it is this process's. */
class EvaluationFolder {
  readonly dir: string;
  /** The answers it held when it was opened, by id. */
  readonly known = new Map<string, Answered>();
  /** Lines of `samples.jsonl` by id, byte for byte. */
  readonly #lines = new Map<string, string>();
  readonly #manifest: Manifest;
  #lock: FolderLock | undefined;

  /**
   * @throws UserError when the folder holds another evaluation, naming what differs, or anything else, or when another process
   * evaluates into it
   */
  constructor(dir: string, manifest: Manifest) {
    this.dir = dir;
    this.#manifest = manifest;
    if (!existsSync(join(dir, "manifest.json"))) {
      refuseOccupied(dir);
      return;
    }
    this.#lock = FolderLock.take(dir);
    try {
      this.#takeUp();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #takeUp(): void {
    const { dir } = this;
    const changes = manifestDifferences(readManifest(dir), this.#manifest);
    if (changes.length > 0) {
      throw new UserError(
        [`${dir} holds another evaluation:`, ...firstFew(changes.map(thereAndNow))].join("\n  "),
        "Choose another --out, or repeat the command that started it.",
      );
    }
    const texts = existsSync(this.#samples) ? readFileSync(this.#samples, "utf8").split("\n") : [];
    for (const [i, line] of readSampleLines(dir).entries()) {
      this.known.set(line.id, line);
      this.#lines.set(line.id, texts[i]!);
    }
  }

  get #samples(): string {
    return join(this.dir, SAMPLES);
  }

  /** Writes the manifest. @throws UserError when another process has begun */
  begin(): void {
    this.#lock ??= FolderLock.take(this.dir);
    if (!existsSync(join(this.dir, "manifest.json"))) this.write("manifest.json", json(this.#manifest));
  }

  /** Writes the lines of some samples, in place of their earlier ones, and syncs them to the disk. */
  keep(answered: readonly Answered[]): void {
    for (const line of answered) this.#lines.set(line.id, JSON.stringify(line));
    this.#writeSamples([...this.#lines.values()]);
  }

  /** Writes all lines again in the order of `ids`. */
  finish(ids: readonly string[]): void {
    this.#writeSamples(ids.map((id) => this.#lines.get(id)!));
  }

  /** @throws UserError when the folder is no longer there, or no longer this process's, and as `writeWhole` */
  write(name: string, text: string): void {
    this.#lock?.assertHeld();
    writeWhole(join(this.dir, name), text);
  }

  #writeSamples(lines: readonly string[]): void {
    this.write(SAMPLES, lines.map((line) => `${line}\n`).join(""));
  }

  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]();
  }
}

/** The folder must be empty, apart from what a process has left that was killed before its first answer. */
function refuseOccupied(dir: string): void {
  if (!existsSync(dir)) return;
  const names = readdirSync(dir).filter((name) => !name.endsWith(".partial") && name !== LOCK);
  if (names.length === 0) return;
  throw new UserError(
    `${dir} is not empty and is not an evaluation folder (it contains ${names[0]}).`,
    "Choose another --out.",
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
