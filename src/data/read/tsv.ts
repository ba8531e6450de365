/**
 * @file The records of a TSV file as pandas writes it: a header, fields between tabs, a field in double quotes where it holds a
 * tab, a line feed or a quote (doubled). Fields may be images in base64, megabytes long; one record is held at a time.
 */
import { stat } from "node:fs/promises";
import { UserError } from "../../util/errors.ts";
import { shortened } from "../../util/shortened.ts";
import { unreadable } from "../../util/unreadable.ts";
import { chunks, decodeParts, type Row, refuseEndless } from "./row.ts";

const [TAB, LF, QUOTE] = [9, 10, 34];

/** The records of a TSV file by the names in its header. @throws UserError by file and line */
export async function* tsvRows(file: string): AsyncGenerator<Row> {
  const { size } = await stat(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  let header: string[] | undefined;
  for await (const { fields, line, read } of records(file)) {
    const where = `${file}:${line}`;
    if (!header) {
      header = fields;
      const seen = new Set<string>();
      const twice = header.find((name) => seen.size === seen.add(name).size);
      if (twice !== undefined) {
        throw new UserError(
          `${where}: the header names ${JSON.stringify(shortened(twice))} twice`,
          "Rename or remove one column.",
        );
      }
      continue;
    }
    if (fields.length === 1 && fields[0] === "") continue;
    if (fields.length !== header.length) {
      throw new UserError(`${where}: has ${fields.length} fields, but the header names ${header.length}`, REMEDY);
    }
    const value = Object.fromEntries(header.map((name, i) => [name, fields[i]!]));
    yield { value, where, share: read / size };
  }
}

const REMEDY =
  "Save the file as TSV, with double quotes around fields that hold tabs or line feeds, and quotes in them doubled.";

interface Fields {
  readonly fields: string[];
  /** The line it begins at, from 1. */
  readonly line: number;
  /** Bytes of the file up to its end. */
  readonly read: number;
}

async function* records(file: string): AsyncGenerator<Fields> {
  let [line, startLine, read] = [1, 1, 0];
  let fields: string[] = [];
  let parts: Buffer[] = []; // of the field under way, from earlier chunks
  let [atStart, isQuoted, inQuotes] = [true, false, false];

  for await (const chunk of chunks(file)) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === LF) line++;
      if (atStart) isQuoted = byte === QUOTE;
      // A doubled quote leaves the quotes and enters them again.
      if (isQuoted && byte === QUOTE) inQuotes = !inQuotes;
      atStart = false;
      if (inQuotes || (byte !== TAB && byte !== LF)) continue;
      parts.push(chunk.subarray(from, i));
      fields.push(fieldOf(parts, isQuoted, `${file}:${startLine}`));
      [parts, from, atStart] = [[], i + 1, true];
      if (byte === LF) {
        yield { fields, line: startLine, read: read + i };
        [fields, startLine] = [[], line];
      }
    }
    parts.push(chunk.subarray(from));
    refuseEndless(parts, `${file}:${startLine}`);
    read += chunk.length;
  }
  if (inQuotes) throw new UserError(`${file}:${startLine}: a quoted field does not end`, REMEDY);
  if (fields.length > 0 || !atStart) {
    fields.push(fieldOf(parts, isQuoted, `${file}:${startLine}`));
    yield { fields, line: startLine, read };
  }
}

function fieldOf(parts: readonly Buffer[], isQuoted: boolean, where: string): string {
  const text = decodeParts(parts, where).replace(/\r$/, "");
  if (!isQuoted) return text;
  const inside = text.slice(1, -1);
  if (inside.replaceAll('""', "").includes('"'))
    throw new UserError(`${where}: a quoted field goes on behind its end`, REMEDY);
  return inside.replaceAll('""', '"');
}
