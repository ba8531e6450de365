/** @file Loads the user's own rewards from a TypeScript or JavaScript file anywhere. */
import { access } from "node:fs/promises";
import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, UserError } from "../util/errors.ts";
import { defineReward, type Reward } from "./define.ts";

let hooked = false;

/** Registers module-hooks.mjs, by which this process loads reward modules. */
function hookOnce(): void {
  if (hooked) return;
  hooked = true;
  // This file is TypeScript in a clone, and so is the index beside it.
  const index = import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js";
  register(new URL("module-hooks.mjs", import.meta.url), {
    data: { name: "grit-ts", index: new URL(index, import.meta.url).href },
  });
}

/**
 * The rewards a module exports. The module may import `grit-ts`, which is this package, and other files by relative paths;
 * its folder needs neither a package.json nor node_modules.
 * @throws UserError when the file is missing, does not load, exports no reward, or one that `defineReward` refuses
 */
export async function loadRewardModule(path: string): Promise<Reward[]> {
  const file = resolve(path);
  await access(file).catch(() => {
    throw new UserError(
      `${path}: no such reward module`,
      "Check the path: in a recipe it starts at the recipe's folder, on the command line at the current one.",
    );
  });
  hookOnce();
  let exported: Record<string, unknown>;
  try {
    exported = (await import(`${pathToFileURL(file).href}?grit-reward`)) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`${path}: the reward module does not load: ${messageOf(error)}`, "Fix the module.");
  }
  const rewards = [...new Set(Object.values(exported))].filter(hasScore).map(defineReward);
  if (rewards.length === 0) {
    throw new UserError(
      `${path}: exports no reward`,
      "export default defineReward({ name, weight, score: (rollout) => number })",
    );
  }
  return rewards;
}

function hasScore(value: unknown): value is Reward {
  return typeof value === "object" && value !== null && "score" in value;
}
