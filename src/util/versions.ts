/** @file The versions that a result depends on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** The versions that a result depends on. */
export function versions(libtorch: string): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
  return { grit: version, node: process.versions.node, libtorch };
}
