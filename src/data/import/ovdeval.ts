/**
 * @file OVDEval's position set: detection of what a phrase with a position describes. One file in COCO's manner:
 *
 *     {"categories": [{"id": 0, "name": "the dog on the left", "supercategory": "object"}],
 *      "annotations": [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [111, 117, 99, 75], "iscrowd": 0, "area": 7425}],
 *      "images": [{"id": 0, "file_name": "a.jpg", "width": 340, "height": 254, "text": ["the dog on the left"], "neg_text": […]}]}
 *
 * `bbox` is [x, y, width, height] in pixels. The paper's rule: phrases with exactly one box; the box, as [x1, y1, x2, y2], is the
 * answer. Phrases that describe nothing in the image (`neg_text`) are not asked.
 */
import { z } from "zod";
import { type Benchmark, layout, only, type Quad } from "./benchmark.ts";
import { detectionQuestion } from "./detection-question.ts";
import { pixels, quad, text } from "./fields.ts";

const id = z.int();
const imageRow = z.object({ id, file_name: text, width: pixels, height: pixels });

/** What a phrase describes in an image. */
interface Target {
  readonly image: z.infer<typeof imageRow>;
  readonly phrase: string;
  readonly boxes: Quad[];
}

export const ovdeval: Benchmark = {
  name: "ovdeval",
  title: "OVDEval",
  files: "position.json of the annotations; the folder of its images",
  layouts: [
    layout(
      {
        categories: z.array(z.object({ id, name: text })),
        annotations: z.array(z.object({ image_id: id, category_id: id, bbox: quad })),
        images: z.array(imageRow),
      },
      ({ categories, annotations, images }, { stem }) => {
        const imageOf = new Map(images.map((image) => [image.id, image]));
        const phraseOf = new Map(categories.map(({ id, name }) => [id, name]));
        const targets = new Map<string, Target>();
        for (const [i, { image_id, category_id, bbox }] of annotations.entries()) {
          const [image, phrase] = [imageOf.get(image_id), phraseOf.get(category_id)];
          if (!image || !phrase) return `annotations[${i}] is of an image or a category that is not listed`;
          const [x, y, width, height] = bbox;
          const key = `${image_id}-${category_id}`;
          const target = targets.get(key) ?? { image, phrase, boxes: [] };
          target.boxes.push([x, y, x + width, y + height]);
          targets.set(key, target);
        }
        return [...targets].map(([key, { image, phrase, boxes }]) => ({
          id: `ovd_${stem}-${key}`,
          ...detectionQuestion(phrase, boxes),
          image: { path: image.file_name },
          size: { width: image.width, height: image.height },
          dataset: `ovd_${stem}`,
          split: "val",
        }));
      },
    ),
  ],
  rule: only("phrases with exactly one box", ({ boxes }) => boxes?.length === 1),
};
