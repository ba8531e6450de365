/** @file Every question the scenes world asks, by data set. */

import { askCount, askExistence, askNumber, askSum } from "./ask-count.ts";
import {
  askBox,
  askColor,
  askComposed,
  askIsColor,
  askRelatedBox,
  askRelatedColor,
  askRelatedShape,
  askShape,
} from "./ask-query.ts";
import { askPosition, askRelation } from "./ask-relation.ts";
import type { Asker, Dataset } from "./question.ts";

/** The forms of each data set's questions, all equally common. */
export const ASKERS: Record<Dataset, readonly Asker[]> = {
  vsr: [askRelation],
  tallyqa: [askCount],
  gqa: [askColor, askShape, askRelatedColor, askRelatedShape],
  mme_existence: [askExistence],
  mme_count: [askNumber],
  mme_position: [askPosition],
  mme_color: [askIsColor],
  mathvista_mini: [askSum],
  ovd_position: [askBox, askRelatedBox],
  refcoco: [askComposed],
};
