/** @file The versions that a result depends on. */
import { packageVersion } from "../../tools/places.mjs";

/** The versions that a result depends on. */
export function versions(libtorch: string): Record<string, string> {
  return { grit: packageVersion(), node: process.versions.node, libtorch };
}
