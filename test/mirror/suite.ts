/** @file Before all tests on the mirror device: builds it and has every process load it. After them: what ran there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildMirror } from "./build.mjs";

export default async function suite(): Promise<() => void> {
  await buildMirror();
  const dir = mkdtempSync(join(tmpdir(), "grit-mirror-"));
  process.env.GRIT_MIRROR_TRAFFIC = dir;
  const preload = `--import ${pathToFileURL(join(import.meta.dirname, "load.mjs"))}`;
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${preload}`;
  return () => {
    const names = readdirSync(dir).flatMap((file) => JSON.parse(readFileSync(join(dir, file), "utf8")) as string[]);
    console.log(`device: mirror, ${new Set(names).size} operators`);
    rmSync(dir, { recursive: true });
  };
}
