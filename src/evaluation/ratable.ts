/** @file Whether samples have what the judge `mmhal` is told about them. */
import type { Named } from "../judge/judge.ts";
import { Faults } from "../util/faults.ts";
import type { AskedSet } from "./ask.ts";

/** @throws UserError where that is the judge, naming the samples that are not MMHal-Bench's or do not say what their image shows */
export function needRatable({ name }: Named, sets: readonly AskedSet[]): void {
  if (name !== "mmhal") return;
  const faults = new Faults();
  for (const { where, id, dataset, keyWords } of sets.flatMap(({ samples }) => samples)) {
    const at = where ?? id;
    if (!dataset.startsWith("mmhal_")) faults.add(`${at}: dataset`, `is ${dataset}, not mmhal_<type of question>`);
    else if (!keyWords) faults.add(`${at}: key_words`, "is missing: what the image contains, in a few names");
  }
  faults.throwIfAny(
    "The judge mmhal rates MMHal-Bench's questions",
    "Import them with `grit data import mmhal`; judge other sets by openai or exact.",
  );
}
