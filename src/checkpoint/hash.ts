/** @file What a checkpoint folder is, as one hash: its weights and everything that decides how it is asked. */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { baseFolder, isAdapter, readAdapterConfig } from "./adapter-io.ts";

/** Weights, configuration, tokenizer, chat template. What else a folder holds does not change an answer. */
const COUNTED = /\.(safetensors|json|jinja|txt)$/;

/**
 * SHA-256, hex, over the names and bytes of a folder's files, and over those of its base where it is an adapter. Equal hashes
 * are equal models, wherever the folders lie.
 * @throws UserError when it is an adapter whose base is not there
 */
export async function modelHash(dir: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    const file = statSync(path, { throwIfNoEntry: false });
    if (!COUNTED.test(name) || !file?.isFile()) continue;
    hash.update(`${name}\n${file.size}\n`);
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 22 })) hash.update(chunk as Buffer);
  }
  if (isAdapter(dir)) hash.update(await modelHash(baseFolder(dir, readAdapterConfig(dir))));
  return hash.digest("hex");
}
