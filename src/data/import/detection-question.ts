/** @file A phrase and the boxes it describes as a question. */
import type { Item, Quad } from "./benchmark.ts";

/** The wording is this project's. The boxes, rounded, are the answer; metrics compare with them as they are. */
export function detectionQuestion(
  phrase: string,
  boxes: readonly Quad[],
): Pick<Item, "question" | "phrase" | "answer" | "boxes"> {
  return {
    question: `Detect this and answer with its bounding box [x1, y1, x2, y2]: ${phrase.replace(/\.$/, "")}.`,
    phrase,
    answer: boxes.map((box) => `[${box.map(Math.round).join(", ")}]`).join(", "),
    boxes,
  };
}
