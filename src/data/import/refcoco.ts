/**
 * @file RefCOCO, RefCOCO+ and RefCOCOg: a phrase that describes one object of a COCO photograph, and the object's box. The original
 * files are pickles of Python; three layouts are published beside them. lmms-lab's parquet files on Hugging Face (one folder a set)
 * have the image, one row an object with all that was said of it, and the box as [x, y, width, height]; its `question` asks for a
 * caption and is not used:
 *
 *     {"question_id": "469306", "image": …, "answer": ["the man on the left", "man in a cap"], "bbox": [10.5, 20, 100, 200.5],
 *      "file_name": "COCO_train2014_000000000001_0.jpg", "segmentation": […], "iscrowd": 0, "question": "…"}
 *
 * jxu124's parquet files have the original rows; the image is a file of COCO's train2014, the box [x1, y1, x2, y2]:
 *
 *     {"ref_id": 7, "split": "testA", "captions": ["the man on the left", "man in a cap"], "bbox": [10.5, 20, 110.5, 220.5],
 *      "image_path": "coco/train2014/COCO_train2014_000000000001.jpg", …}
 *
 * Qwen-VL's JSON Lines, by which InternVL is evaluated too, have a line for each phrase, and the box as [x1, y1, x2, y2]:
 *
 *     {"image": "data/coco/train2014/COCO_train2014_000000000001.jpg", "sent": "man in a cap", "bbox": [10.5, 20, 110.5, 220.5],
 *      "width": 640, "height": 480}
 *
 * Each phrase is a sample, as the sets are measured.
 */
import { z } from "zod";
import { type At, type Benchmark, type Item, layout, type Quad } from "./benchmark.ts";
import { detectionQuestion } from "./detection-question.ts";
import { identifier, image, pixels, quad, text } from "./fields.ts";

/** What was said of an object, by one person or several. */
const phrases = z.array(text, { error: () => "is not a list of phrases" }).min(1, "has no phrase");

/** A path that ends in a file of COCO's folder; the file below the folder that holds it, e.g. `train2014/COCO_….jpg`. */
const cocoPath = text.transform((path) => ({ path: path.split("/").slice(-2).join("/") }));

interface Named {
  readonly name: "refcoco" | "refcocoplus" | "refcocog";
  readonly title: string;
  /** How the names of Qwen-VL's files begin. */
  readonly stem: string;
}

function refcocoOf({ name, title, stem }: Named): Benchmark {
  const itemsOf = (
    said: readonly string[],
    box: Quad,
    id: string,
    split: string,
    source: Pick<Item, "image" | "size">,
  ) =>
    said.map((phrase, i) => ({
      ...detectionQuestion(phrase.trim(), [box]),
      ...source,
      id: `${name}_${split}-${id}-${i + 1}`,
      dataset: name,
      split,
    }));
  return {
    name,
    title,
    files:
      `lmms-lab's or jxu124's parquet files, or Qwen-VL's ${stem}_val.jsonl and the like (then --images is the folder that holds ` +
      "COCO's train2014)",
    layouts: [
      layout({ question_id: identifier, answer: phrases, bbox: quad, image }, (row, at) => {
        const [x, y, width, height] = row.bbox;
        const id = `${row.question_id}#${at.number}`;
        return itemsOf(row.answer, [x, y, x + width, y + height], id, splitOf(at), { image: row.image });
      }),
      layout({ ref_id: identifier, split: text, captions: phrases, bbox: quad, image_path: cocoPath }, (row) =>
        itemsOf(row.captions, row.bbox, row.ref_id, row.split, { image: row.image_path }),
      ),
      layout({ image: cocoPath, sent: text, bbox: quad, width: pixels, height: pixels }, (row, at) => {
        const [set, split] = at.stem.split("_");
        if (set !== stem || !split)
          return `is not of ${title} by its file's name, which is ${at.stem}, not ${stem}_<split>`;
        const { width, height } = row;
        return itemsOf([row.sent], row.bbox, String(at.number), split, { image: row.image, size: { width, height } });
      }),
    ],
  };
}

/** `val` of `val-00000-of-00004`, as parts of a split are named. */
function splitOf({ stem }: At): string {
  return stem.replace(/-\d+-of-\d+$/, "");
}

export const refcocos: readonly Benchmark[] = [
  refcocoOf({ name: "refcoco", title: "RefCOCO", stem: "refcoco" }),
  refcocoOf({ name: "refcocoplus", title: "RefCOCO+", stem: "refcoco+" }),
  refcocoOf({ name: "refcocog", title: "RefCOCOg", stem: "refcocog" }),
];
