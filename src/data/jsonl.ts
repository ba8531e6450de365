/** @file Reads JSON lines strictly: as UTF-8, blank lines skipped, every fault gathered by line and key. */
import type { z } from "zod";
import { duplicateKey } from "../util/duplicate-key.ts";
import { UserError } from "../util/errors.ts";
import type { Faults } from "../util/faults.ts";
import { shortened } from "../util/shortened.ts";
import { chunks, decodeParts, refuseEndless } from "./read/row.ts";

/** The value of one line of a file. */
export interface JsonLine {
  readonly json: unknown;
  /** Counted from 1, blank lines too. */
  readonly line: number;
  /** `file:line`, as messages name it. */
  readonly where: string;
}

/**
 * The values of a file's lines. A line that is not JSON, or that has a key twice, becomes a fault, as does a file without lines.
 * @throws UserError when there is no such file, it is JSON of another layout, or a line is not UTF-8 or enormous
 */
export async function* jsonLines(file: string, faults: Faults): AsyncGenerator<JsonLine> {
  let count = 0;
  for await (const { line, text } of textLines(file)) {
    count++;
    const where = `${file}:${line}`;
    const json = parseJson(text);
    if (count === 1) refuseOtherLayout(file, text, json);
    if (json instanceof Error) faults.add(where, `is not JSON (${shortened(json.message)})`);
    else {
      const twice = duplicateKey(text);
      if (twice !== undefined) faults.add(`${where}: ${shortened(twice)}`, "stands twice in one object; keep one");
      yield { json, line, where };
    }
  }
  if (count === 0) faults.add(file, "has no lines");
}

/**
 * Keeps the ids of a file's lines unique. The rollouts of a run repeat an id for each completion of a group: they are numbered,
 * `vsr-3#1`, `vsr-3#2`, …
 */
export class LineNames {
  readonly #lines = new Map<string, number>();
  readonly #completions = new Map<string, number>();

  /** The unique id of a line, or the earlier line that has it already. */
  name(json: unknown, id: string, line: number): string | { readonly line: number } {
    if (typeof json === "object" && json !== null && "group" in json && "advantage" in json) {
      const count = (this.#completions.get(id) ?? 0) + 1;
      this.#completions.set(id, count);
      return `${id}#${count}`;
    }
    const first = this.#lines.get(id);
    if (first !== undefined) return { line: first };
    this.#lines.set(id, line);
    return id;
  }
}

/** A line's value by a schema; undefined if it does not fit, with every fault added by key. */
export function valid<T>(schema: z.ZodType<T>, { json, where }: JsonLine, faults: Faults): { data: T } | undefined {
  const result = schema.safeParse(json);
  if (result.success) return result;
  for (const { path, message } of result.error.issues) {
    const key = keyText(path);
    faults.add(key === "" ? where : `${where}: ${key}`, message);
  }
  return undefined;
}

/** A place in a JSON value as messages name it: `bboxs[0]`; empty for the whole. */
export function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`))
    .join("");
}

/** @throws UserError when the first line begins an array, or an object that is spread over lines */
function refuseOtherLayout(file: string, text: string, json: unknown): void {
  const start = text.trim();
  if (start.startsWith("[")) {
    throw new UserError(
      `${file} is a JSON array, but one object a line is wanted.`,
      "Write each object on a line of its own, without the brackets and commas around: jq -c '.[]' FILE > NEW.jsonl",
    );
  }
  if (json instanceof Error && start === "{") {
    throw new UserError(
      `${file}: its objects are spread over several lines, but one object a line is wanted.`,
      "Write each object on one line: jq -c . FILE > NEW.jsonl",
    );
  }
}

/** The value of a JSON text, or the error. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

/** The lines of a text file that are not blank. @throws UserError when there is no such file or a line is not UTF-8 */
async function* textLines(file: string): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  for await (const parts of byteLines(file)) {
    line++;
    const text = decodeParts(parts, `${file}:${line}`);
    if (text.trim() !== "") yield { line, text };
  }
}

/** The lines of a file as parts of their bytes, without line feeds: a broken character then belongs to a line. */
async function* byteLines(file: string): AsyncGenerator<Uint8Array[]> {
  let parts: Uint8Array[] = []; // of the line under way, from earlier chunks
  let line = 1;
  for await (const chunk of chunks(file)) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield [...parts, chunk.subarray(from, end)];
      [parts, from] = [[], end + 1];
      line++;
    }
    parts.push(chunk.subarray(from));
    refuseEndless(parts, `${file}:${line}`);
  }
  yield parts;
}
