/** @file A YAML file as a document and as a plain value: no longer than a recipe gets, and every name in it leads to an end. */
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { type Document, LineCounter, parseDocument } from "yaml";
import { messageOf, UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";

export interface YamlDocument {
  readonly document: Document.Parsed;
  /** Finds the line of a place in the document. */
  readonly lines: LineCounter;
  /** With names (`&a`, `*a`) replaced by what they stand for; an empty file is an empty map. */
  readonly value: unknown;
}

/** A recipe takes a few kB; the parser's time grows with the square of the number of keys. */
const MOST_BYTES = 2 ** 16;

/** @throws UserError by file and line: no such file, too long, no text, no YAML, or names that stand for too much */
export async function readYamlDocument(file: string): Promise<YamlDocument> {
  const lines = new LineCounter();
  const document = parseDocument(await textOf(file), { lineCounter: lines, prettyErrors: false });
  const faults = new Faults();
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    faults.add(`${file}:${lines.linePos(pos[0]).line}`, message);
  }
  faults.throwIfAny(file, "Fix what is named above and run the command again.");
  try {
    const value: unknown = document.toJS() ?? {};
    JSON.stringify(value); // throws where a value contains itself
    return { document, lines, value };
  } catch (error) {
    const why = error instanceof TypeError ? "a name (*) stands in its own value (&)" : messageOf(error);
    throw new UserError(`${file}: cannot be read (${why}).`, "Write the values out in place of names.");
  }
}

async function textOf(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new UserError(`${file}: is not a file`, "Name a YAML file.");
    if (found.size > MOST_BYTES) {
      throw new UserError(
        `${file}: has ${found.size} bytes, more than the ${MOST_BYTES} that are read.`,
        "Name a YAML file with the keys that docs/data.md and docs/judges.md describe.",
      );
    }
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file}: cannot be read (${messageOf(error)})`, "Check the path.");
  }
  if (!isUtf8(bytes)) throw new UserError(`${file}: is not UTF-8 text`, "Save the file as UTF-8.");
  return bytes.toString("utf8");
}
