/**
 * @file Weights & Biases: an offline run, as W&B's own library leaves it, for `wandb sync` to upload: every number of a step, the
 * recipe as configuration, and the first chain of a few groups with its boxes on the image.
 * Records: wandb/proto/wandb_internal.proto of the library (Record, RunRecord, HistoryRecord, SummaryRecord, FilesRecord).
 */
import { createHash } from "node:crypto";
import { appendFile, copyFile, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { RolloutLine } from "../run/lines.ts";
import { readRollouts } from "../run/read-run.ts";
import { isObject } from "../util/json-object.ts";
import { message, text, whole } from "./protobuf.ts";
import { scalarsOf } from "./scalars.ts";
import { type TrackerKind, timeOf } from "./tracker.ts";
import { WANDB_HEADER, wandbRecord } from "./wandb-log.ts";

/** Chains of a step that are shown, each the first of its group. */
const SHOWN = 4;

export const wandb: TrackerKind = {
  folder: (run) => join(run, "track"),
  look: (out) => `wandb sync ${join(out, "wandb", "offline-run-*")}`,
  async open({ dir, name, id, recipe }, out) {
    const begin = await timeOf(dir, 1);
    const parent = join(out, "wandb");
    await mkdir(parent, { recursive: true });
    const isOurs = (folder: string) => folder.startsWith("offline-run-") && folder.endsWith(`-${id}`);
    for (const old of (await readdir(parent)).filter(isOurs)) await rm(join(parent, old), { recursive: true });
    const folder = join(parent, `offline-run-${stamp(begin)}-${id}`);
    await mkdir(join(folder, "files"), { recursive: true });
    const file = join(folder, `run-${id}.wandb`);
    await writeFile(file, WANDB_HEADER);

    let size = WANDB_HEADER.length;
    let count = 0;
    const add = async (...records: readonly Buffer[]) => {
      for (const record of records) {
        const framed = wandbRecord(Buffer.concat([whole(1, ++count), record]), size);
        await appendFile(file, framed);
        size += framed.length;
      }
    };
    await add(headerRecord(), runRecord({ id, name, recipe, begin }));
    return {
      async step(line) {
        const time = await timeOf(dir, line.step);
        const shown = await showChains(dir, line.step, join(folder, "files"));
        const items: Items = [
          ...scalarsOf(line),
          ...(shown ? [["chains", shown.value] as const] : []),
          ["_timestamp", time / 1000],
          ["_runtime", (time - begin) / 1000],
          ["_step", line.step],
        ];
        if (shown) await add(filesRecord(shown.files));
        await add(historyRecord(line.step, items), summaryRecord(items));
      },
      close: () => add(EXIT),
    };
  },
};

/** Values by name, each of which JSON can hold. */
type Items = readonly (readonly [name: string, value: unknown])[];

/** YYYYMMDD_HHMMSS, as in the names that W&B gives. */
function stamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_");
}

function headerRecord(): Buffer {
  // The version of W&B's library that these records are written after, and the oldest reader as its own files name it.
  return message(21, message(1, text(1, "0.21.0"), text(2, "0.70.0")));
}

function runRecord(run: { id: string; name: string; recipe: unknown; begin: number }): Buffer {
  const config: Items = [...Object.entries(isObject(run.recipe) ? run.recipe : {}), ["_wandb", BOX_LABELS]];
  return message(
    17,
    text(1, run.id),
    text(3, "grit"),
    message(4, ...config.map((entry) => message(1, ...item(entry)))),
    text(8, run.name),
    message(17, whole(1, Math.floor(run.begin / 1000))),
  );
}

function historyRecord(step: number, items: Items): Buffer {
  return message(2, ...items.map((entry) => message(1, ...item(entry))), message(2, whole(1, step)));
}

function summaryRecord(items: Items): Buffer {
  return message(3, ...items.map((entry) => message(1, ...item(entry))));
}

function filesRecord(paths: readonly string[]): Buffer {
  return message(6, ...paths.map((path) => message(1, text(1, path))));
}

const EXIT = message(18, whole(1, 0));

/** The fields of a `ConfigItem`, `HistoryItem` or `SummaryItem`. */
function item([name, value]: Items[number]): Buffer[] {
  return [text(1, name), text(16, JSON.stringify(value))];
}

/** The layer of boxes on an image, and the only class in it. */
const LAYER = "predictions";
const CLASSES = { 0: "box" };

/** What the configuration says of the boxes of `chains`. */
const BOX_LABELS = {
  "bounding_box/class_labels": {
    [`chains_wandb_delimeter_${LAYER}`]: {
      type: "bounding_box/class_labels",
      key: `chains_wandb_delimeter_${LAYER}`,
      value: CLASSES,
    },
  },
};

/** Copies the images of a few chains into the run's files and writes their boxes. Undefined where no chain's image is there. */
async function showChains(
  run: string,
  step: number,
  files: string,
): Promise<{ value: object; files: string[] } | undefined> {
  const firsts = (await readRollouts(run, step)).filter((chain, i, all) => chain.group !== all[i - 1]?.group);
  const shown: { chain: RolloutLine; image: string; boxes: object; paths: string[] }[] = [];
  for (const chain of firsts.slice(0, SHOWN)) {
    const source = join(run, chain.image);
    if (!(await stat(source).catch(() => undefined))) continue;
    const image = `media/images/${basename(chain.image)}`;
    await mkdir(join(files, "media", "images"), { recursive: true });
    await copyFile(source, join(files, image));
    const { record, path } = await writeBoxes(chain, files);
    shown.push({ chain, image, boxes: { [LAYER]: record }, paths: [image, path] });
  }
  const [first] = shown;
  if (!first) return undefined;
  return {
    files: [...new Set(shown.flatMap(({ paths }) => paths))],
    value: {
      _type: "images/separated",
      width: first.chain.width,
      height: first.chain.height,
      format: first.image.slice(first.image.lastIndexOf(".") + 1),
      count: shown.length,
      filenames: shown.map(({ image }) => image),
      captions: shown.map(({ chain }) => caption(chain)),
      all_boxes: shown.map(({ boxes }) => boxes),
    },
  };
}

function caption({ question, answer, text, total }: RolloutLine): string {
  return `${question} (${answer})\n${text}\n${typeof total === "number" ? `reward ${total.toFixed(2)}` : "not scored"}`;
}

/** Writes the boxes of a chain as W&B reads them: in pixels of the image, labelled by their place in the text. */
async function writeBoxes({ boxes }: RolloutLine, files: string): Promise<{ record: object; path: string }> {
  const content = JSON.stringify({
    box_data: boxes.map(({ box: [minX, minY, maxX, maxY] }, i) => ({
      position: { minX, minY, maxX, maxY },
      domain: "pixel",
      class_id: 0,
      box_caption: String(i + 1),
    })),
    class_labels: CLASSES,
  });
  const sha256 = createHash("sha256").update(content).digest("hex");
  const path = `media/metadata/boxes2D/${sha256}.boxes2D.json`;
  await mkdir(join(files, "media", "metadata", "boxes2D"), { recursive: true });
  await writeFile(join(files, path), content);
  return { record: { _type: "boxes2D", sha256, size: Buffer.byteLength(content), path }, path };
}
