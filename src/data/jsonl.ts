/** @file Reads JSON lines strictly: as UTF-8, blank lines skipped, every fault gathered by line and key. */
import { createReadStream } from "node:fs";
import type { z } from "zod";
import { UserError } from "../util/errors.ts";
import type { Faults } from "../util/faults.ts";
import { unreadable } from "../util/unreadable.ts";

/** The value of one line of a file. */
export interface JsonLine {
  readonly json: unknown;
  /** Counted from 1, blank lines too. */
  readonly line: number;
  /** `file:line`, as messages name it. */
  readonly where: string;
}

/**
 * The values of a file's lines. A line that is not JSON becomes a fault, as does a file without lines.
 * @throws UserError when there is no such file or a line is not UTF-8
 */
export async function* jsonLines(file: string, faults: Faults): AsyncGenerator<JsonLine> {
  let count = 0;
  for await (const { line, text } of textLines(file)) {
    count++;
    const where = `${file}:${line}`;
    const json = parseJson(text);
    if (json instanceof SyntaxError) faults.add(where, `is not JSON (${json.message})`);
    else yield { json, line, where };
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
    const key = path.map((part, i) => (typeof part === "number" ? `[${part}]` : i ? `.${String(part)}` : String(part)));
    faults.add(key.length > 0 ? `${where}: ${key.join("")}` : where, message);
  }
  return undefined;
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
  for await (const bytes of byteLines(file)) {
    line++;
    const text = decode(bytes, `${file}:${line}`);
    if (text.trim() !== "") yield { line, text };
  }
}

/** The lines of a file as bytes, without their line feeds: a broken character then belongs to a line. */
async function* byteLines(file: string): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.subarray(0, end);
        rest = rest.subarray(end + 1);
      }
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  yield rest;
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${where}: is not UTF-8 text`, "Save the file as UTF-8.");
  }
}
