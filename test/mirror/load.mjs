/**
 * @file Preloaded into every process of the tests (`node --import`): when a process loads the addon, it gets the mirror device
 * with it. Not before, since how threads wait is decided before libtorch is loaded.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { addon } from "../../tools/places.mjs";
import { MIRROR, RULES } from "./build.mjs";

const require = createRequire(import.meta.url);
const dlopen = process.dlopen;
process.dlopen = (module, file, ...flags) => {
  dlopen.call(process, module, file, ...flags);
  if (file !== addon) return;
  const { unchecked, hostOnly } = JSON.parse(readFileSync(RULES, "utf8"));
  require(MIRROR).setRules(unchecked, hostOnly);
};
