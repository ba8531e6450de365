/** @file The studies by name. */
import { nearest, UserError } from "../util/errors.ts";
import { attention } from "./attention-study.ts";
import { beyondLooking } from "./beyond-looking.ts";
import { correlation } from "./correlation-study.ts";
import { scaling } from "./scaling.ts";
import { steps } from "./steps.ts";
import type { Study } from "./study.ts";
import { table1 } from "./table1.ts";
import { table2 } from "./table2.ts";
import { table3 } from "./table3.ts";

/** In the order of the paper, then one of the scenes world's own. */
export const STUDIES: readonly Study[] = [
  table1,
  table2,
  table3,
  correlation,
  attention,
  scaling,
  steps,
  beyondLooking,
];

/** The study of that name. @throws UserError for another */
export function studyNamed(name: string): Study {
  const found = STUDIES.find((study) => study.name === name);
  if (found) return found;
  const names = STUDIES.map((study) => study.name);
  const guess = nearest(name, names);
  throw new UserError(
    `There is no study "${name}".`,
    guess ? `Did you mean ${guess}?` : `Studies are ${names.join(", ")}.`,
  );
}
