/** @file Every metric against an independent library: see test/golden/metrics/make.py. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { box, boxF1, unionIoU } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import type { Frame, Space } from "../records.ts";
import { bleu1 } from "../rewards/bleu.ts";
import { makeSample } from "../rewards/fixtures.ts";
import { detectionScore, groundingIoU } from "./metrics.ts";
import { popeReading, type YesNo, yesNoScores } from "./yes-no.ts";

type Quad = [number, number, number, number];
interface Cases {
  readonly boxSets: readonly { pred: Quad[]; truth: Quad[]; iou: number; f1: number }[];
  readonly chains: readonly {
    readonly text: string;
    readonly space: Space;
    readonly image: readonly [number, number];
    readonly frame: readonly [number, number];
    readonly truth: readonly Quad[];
    readonly rescaled: number;
    readonly raw: number;
    readonly detection: number;
  }[];
  readonly yesNo: readonly {
    readonly answers: readonly (readonly [YesNo, string])[];
    readonly said: readonly number[];
    readonly accuracy: number;
    readonly precision: number | null;
    readonly recall: number | null;
    readonly f1: number | null;
    readonly yesShare: number;
  }[];
  readonly bleu: readonly { given: string[]; reference: string[]; bleu: number }[];
}

const path = new URL("../../test/golden/metrics/cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(path, "utf8")) as Cases;
const boxesOf = (quads: readonly Quad[]) => quads.map((quad) => box("image", ...quad));

it(`unions of ${cases.boxSets.length} box sets equal shapely's`, () => {
  for (const { pred, truth, iou } of cases.boxSets)
    expect(unionIoU(boxesOf(pred), boxesOf(truth))).toBeCloseTo(iou, 12);
});

it("their F1 at one half equals scikit-learn's over an optimal assignment", () => {
  for (const { pred, truth, f1 } of cases.boxSets)
    expect(boxF1(boxesOf(pred), boxesOf(truth), 0.5)).toBeCloseTo(f1, 12);
});

describe.each(["frame", "permille"] as const)("chains with boxes in %s space", (space) => {
  const chains = cases.chains.filter((each) => each.space === space);
  it.each(chains)("have the IoU of shapely and the detection score of the script: %#", (each) => {
    const [imageWidth, imageHeight] = each.image;
    const [frameWidth, frameHeight] = each.frame;
    const frame: Frame = { imageWidth, imageHeight, frameWidth, frameHeight };
    const sample = makeSample({ boxes: boxesOf(each.truth), width: imageWidth, height: imageHeight });
    const chain = parseChain(each.text, { space, frame });
    expect(groundingIoU(sample, chain, "rescaled")).toBeCloseTo(each.rescaled, 9);
    expect(groundingIoU(sample, chain, "raw")).toBeCloseTo(each.raw, 9);
    expect(detectionScore(sample, chain.boxes)).toBeCloseTo(each.detection, 12);
  });
});

it(`yes/no scores of ${cases.yesNo.length} sets equal scikit-learn's over POPE's reading`, () => {
  for (const { answers, said, ...scores } of cases.yesNo) {
    expect(answers.map(([, response]) => Number(popeReading(response) === "yes"))).toEqual(said);
    const ours = yesNoScores(answers.map(([truth, response]) => ({ truth, said: popeReading(response) })));
    expect(ours.n).toBe(answers.length);
    for (const [name, value] of Object.entries(scores)) {
      const own = ours[name as keyof typeof scores];
      if (value === null) expect(own).toBeNull();
      else expect(own).toBeCloseTo(value, 12);
    }
  }
});

it(`BLEU-1 of ${cases.bleu.length} answers equals NLTK's`, () => {
  for (const { given, reference, bleu } of cases.bleu) expect(bleu1(given, reference)).toBeCloseTo(bleu, 12);
});
