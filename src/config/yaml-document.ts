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
  const document = parsed(file, await textOf(file), lines);
  const faults = new Faults();
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    faults.add(`${file}:${lines.linePos(pos[0]).line}`, inWords(message));
  }
  faults.throwIfAny(file, "Fix what is named above and run the command again.");
  try {
    return { document, lines, value: finite(document.toJS()) ?? {} };
  } catch (error) {
    throw new UserError(
      `${file}: cannot be read (${inWords(messageOf(error))}).`,
      "Write the values out in place of aliases.",
    );
  }
}

/** The value, which is a tree: aliases may neither multiply each other nor contain themselves. @throws when it is none */
export function finite(value: unknown): unknown {
  JSON.stringify(value);
  return value;
}

/** What the YAML library, or `finite`, says of a document, in words. */
export function inWords(message: string): string {
  if (/call stack/.test(message)) return "it is nested too deeply";
  if (/^Excessive alias/.test(message)) return "its aliases multiply each other to more than 100 values";
  return /circular/.test(message) ? "an alias stands for something that contains it" : message;
}

function parsed(file: string, text: string, lines: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (error) {
    throw new UserError(`${file}: cannot be read (${inWords(messageOf(error))}).`, "Write it in fewer levels.");
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
