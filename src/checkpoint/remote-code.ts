/** @file Python modules that a checkpoint's files send transformers to. They are neither run nor downloaded here. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { isObject } from "../util/json-object.ts";

const FILES = ["config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"];

/**
 * The modules that an `auto_map` in a checkpoint's folder names as its own and that are not there, sorted. A module of another
 * repository (`repository--module.Class`) is none of them: transformers fetches it from there.
 */
export function missingModules(dir: string): string[] {
  const classes = FILES.flatMap((name) => {
    const map = readJsonIfPresent(dir, name)?.auto_map;
    return isObject(map) ? Object.values(map).flat() : [];
  });
  const modules = classes.flatMap((name) =>
    typeof name === "string" && !name.includes("--") ? [`${name.slice(0, name.lastIndexOf("."))}.py`] : [],
  );
  return [...new Set(modules)].filter((file) => !existsSync(join(dir, file))).sort();
}
