/** @file Alarms of boxes that are written for the reward alone. */
import { type History, percent, type Symptom, span, total } from "./rule.ts";

/** Chains with boxes that a share must rest on. */
const ENOUGH = 20;
const SHARE = 0.3;

/** Chains that name one box several times. */
export function repeatedBoxes(history: History): Symptom | undefined {
  const share = shareOfBoxed(history, "repeated");
  if (share === undefined) return undefined;
  return {
    name: "repeated-boxes",
    figures: { share },
    message: `${percent(share)} of the chains with boxes in ${span(history.recent)} name one box twice, or move it by a pixel.`,
    remedy:
      "Take rewards.preset: paper, where a repeated box does not count, or add a term to rewards.custom that wants boxes apart.",
  };
}

/** Chains with a box over the whole image, though what they are asked about is smaller. */
export function wholeImageBoxes(history: History): Symptom | undefined {
  const share = shareOfBoxed(history, "wholeImage");
  if (share === undefined) return undefined;
  return {
    name: "whole-image-boxes",
    figures: { share },
    message: `${percent(share)} of the chains with boxes in ${span(history.recent)} have a box over the whole image: it points at nothing.`,
    remedy:
      "Add a term to rewards.custom that gives nothing for such a box; for small pictures raise image.max_pixels.",
  };
}

function shareOfBoxed({ recent }: History, flaw: "repeated" | "wholeImage"): number | undefined {
  const all = total(recent, ({ boxed }) => boxed.all);
  const share = total(recent, ({ boxed }) => boxed[flaw]) / all;
  return all >= ENOUGH && share > SHARE ? share : undefined;
}
