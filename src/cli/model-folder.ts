/** @file The folder that `--model` means: a checkpoint, an adapter, a downloaded model, or the latest checkpoint of a run. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { foldersIn, inWords, kindOf } from "../hub/folder-kind.ts";
import { anchored, modelFolder } from "../hub/resolve.ts";
import { UserError } from "../util/errors.ts";

/** @param name a folder, from the current one on, or a hub id. @throws UserError when it is not a model, saying what it is */
export function modelNamed(name: string): string {
  const named = anchored(name, process.cwd());
  const dir = modelFolder(named);
  if (!existsSync(dir)) throw new UserError(`${name}: no such folder.`, "Name a model, or a run folder.");
  if (!statSync(dir).isDirectory()) throw new UserError(`${name} is a file, not a model's folder.`, "Name its folder.");
  if (kindOf(dir) === "model") return dir;
  const found = inWords(dir);
  const shown = dir === named ? name : `${dir}, which ${name} means,`;
  const inside = [dir, join(dir, "checkpoints")].flatMap(foldersIn).filter((each) => kindOf(each) === "model");
  throw new UserError(
    found
      ? `${shown} is ${found.is}, not a model.`
      : `${shown} is not a model: it has neither config.json nor adapter_config.json.`,
    inside.length > 0
      ? `It holds models; name one of them: ${inside.join(", ")}`
      : "Name a folder in Hugging Face layout, a run folder, or the hub id of a downloaded model.",
  );
}
