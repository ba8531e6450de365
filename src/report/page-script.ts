/** @file The pages' script as text: `browser/page-behaviour.ts` without its types, or its build in an installed package. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { transformSync } from "esbuild";

/** Inlined at the end of each page; the content security policy allows it by its hash and nothing else. */
export function pageScript(): string {
  const file = new URL(`./browser/page-behaviour${extname(import.meta.url)}`, import.meta.url);
  return transformSync(readFileSync(file, "utf8"), { loader: "ts", format: "iife", target: "es2022" }).code;
}
