/**
 * @file The rows of a JSON file in bounded memory: one row is held at a time. Three layouts are told apart by how the file
 * begins: a list of rows `[{…}, {…}]`, an object of rows `{"17": {…}, "18": {…}}`, and rows one after another as in JSON Lines
 * (an object whose first value is no object is a row itself).
 */
import { stat } from "node:fs/promises";
import { duplicateKey } from "../../util/duplicate-key.ts";
import { UserError } from "../../util/errors.ts";
import { shortened } from "../../util/shortened.ts";
import { unreadable } from "../../util/unreadable.ts";
import { parseJson } from "../jsonl.ts";
import { chunks, decodeParts, type Row, refuseEndless } from "./row.ts";

type Layout = "list" | "map" | "lines";

/** What may stand where: the opening of the list or map, its first row, a row, what parts two rows, nothing. */
type Place = "opening" | "first row" | "row" | "separator" | "end";

const [TAB, LF, CR, SPACE, QUOTE, COMMA, BACKSLASH] = [9, 10, 13, 32, 34, 44, 92];
const [LEFT, RIGHT, OPEN, CLOSE] = [91, 93, 123, 125];

/** The rows of a JSON or JSON Lines file. @throws UserError by file and line: no such file, no JSON, no rows, cut off */
export async function* jsonRows(file: string): AsyncGenerator<Row> {
  const { size } = await stat(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  let layout: Layout | undefined;
  let place: Place = "row";
  let base = 0; // the depth at which rows begin and end
  let [depth, line, read] = [0, 1, 0];
  let [inString, escaped] = [false, false];
  let parts: Buffer[] | undefined; // of the row under way, from earlier chunks
  let rowLine = 1;

  for await (const chunk of chunks(file)) {
    let from = 0; // where the row under way begins in this chunk
    if (layout === undefined) {
      layout = layoutOf(chunk, file);
      if (layout !== "lines") [base, place] = [1, "opening"];
      if (hasByteOrderMark(chunk)) chunk.fill(32, 0, 3);
    }
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === LF) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (parts === undefined) {
        if (byte === SPACE || byte === LF || byte === CR || byte === TAB) continue;
        if (place === "opening") {
          [depth, place] = [1, "first row"];
          continue;
        }
        if ((place === "first row" || place === "separator") && byte === (layout === "map" ? CLOSE : RIGHT)) {
          [depth, place] = [0, "end"];
          continue;
        }
        if (place === "separator" && byte === COMMA) {
          place = "row";
          continue;
        }
        if (place === "separator" || place === "end") throw notJson(file, line, place);
        if (byte !== (layout === "map" ? QUOTE : OPEN)) throw noRow(file, line);
        [parts, from, rowLine] = [[], i, line];
      }
      if (byte === QUOTE) inString = true;
      else if (byte === LEFT || byte === OPEN) depth++;
      else if ((byte === RIGHT || byte === CLOSE) && --depth <= base) {
        if (depth < base) throw noRow(file, rowLine);
        parts.push(chunk.subarray(from, i + 1));
        yield rowOf(parts, layout, `${file}:${rowLine}`, (read + i) / size);
        parts = undefined;
        if (layout !== "lines") place = "separator";
      }
    }
    parts?.push(chunk.subarray(from));
    refuseEndless(parts ?? [], `${file}:${rowLine}`);
    read += chunk.length;
  }
  if (parts || depth !== 0) {
    throw new UserError(`${file}:${parts ? rowLine : line}: the file is cut off here`, "Download or write it again.");
  }
}

function layoutOf(chunk: Buffer, file: string): Layout {
  const head = chunk.toString("utf8");
  if (/^\s*\[/.test(head)) return "list";
  if (/^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{/.test(head)) return "map";
  if (/^\s*\{/.test(head)) return "lines";
  throw new UserError(`${file}:1: is not JSON`, "Name a JSON, JSON Lines, TSV or parquet file by its right ending.");
}

function hasByteOrderMark(chunk: Buffer): boolean {
  return chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
}

function rowOf(parts: readonly Buffer[], layout: Layout, where: string, share: number): Row {
  const text = decodeParts(parts, where);
  const value = parseJson(layout === "map" ? `{${text}}` : text);
  if (value instanceof Error)
    throw new UserError(`${where}: is not JSON (${shortened(value.message)})`, "Fix the file.");
  const twice = duplicateKey(text);
  if (twice !== undefined) {
    throw new UserError(`${where}: ${shortened(twice)}: stands twice in one object`, "Keep one of them.");
  }
  if (layout !== "map") return { value: value as Row["value"], where, share };
  const entries = Object.entries(value as Record<string, Row["value"]>);
  if (entries.length !== 1) throw noRow(where);
  const [key, row] = entries[0]!;
  return { value: row, where, key, share };
}

function notJson(file: string, line: number, place: "separator" | "end"): UserError {
  const what = place === "end" ? "something stands behind the end" : "a comma is missing between two rows";
  return new UserError(`${file}:${line}: is not JSON: ${what}`, "Fix the file.");
}

function noRow(file: string, line?: number): UserError {
  const where = line === undefined ? file : `${file}:${line}`;
  return new UserError(
    `${where}: is not an object`,
    "A JSON file is a list of objects, an object of objects, or lines.",
  );
}
