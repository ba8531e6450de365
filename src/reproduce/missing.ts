/** @file What a study in full size needs and does not find: models, data, a judge that sees pictures. All of it is named at once. */
import { existsSync } from "node:fs";
import type { JudgeSettings } from "../config/judge-settings.ts";
import { modelFolder } from "../hub/resolve.ts";
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";
import type { Scale } from "./scale.ts";
import { filesOf, type Study } from "./study.ts";

/** @throws UserError naming everything that is missing, each with how to get it */
export function refuseMissing(study: Study, scale: Scale, judge: JudgeSettings): void {
  const { recipe } = scale;
  const arms = study.arms(scale);
  const models = new Set([
    ...(study.arms(scale).length > 0 ? [recipe.model] : []),
    ...arms.flatMap(({ model }) => model ?? []),
  ]);
  const files = filesOf(study, scale);
  const missing = [
    ...[...models].filter((model) => !isThere(model)).map((model) => `${model}: npx grit download ${model}`),
    ...files.filter((file) => !existsSync(file)).map((file) => `${file}: ${sourceOf(file, scale)}`),
    ...(study.choosesPictures && !judge.openai
      ? ["a service that sees pictures: name it by --judge FILE.yaml, the keys of a recipe's section judge"]
      : []),
  ];
  if (missing.length === 0) return;
  throw new UserError(
    [`${study.name} --full needs what is not there:`, ...firstFew(missing)].join("\n  "),
    "Bring it, or look at the cost first by --full --plan.",
  );
}

function isThere(model: string): boolean {
  try {
    return existsSync(modelFolder(model));
  } catch {
    return false;
  }
}

/** How a data file comes about. */
function sourceOf(file: string, { more }: Scale): string {
  if (file === more.vsr || file === more.tallyqa) {
    const benchmark = file === more.vsr ? "vsr" : "tallyqa";
    return `its training split by grit data import ${benchmark} (docs/benchmarks.md)`;
  }
  return "the authors' GRIT_data, beside its images (docs/benchmarks.md)";
}
