/** @file Lines that hold a question, its right answer and what a model said, whatever image they are about. */
import { z } from "zod";
import { Faults } from "../util/faults.ts";
import { isObject } from "../util/json-object.ts";
import { choicesFault } from "./choices-order.ts";
import { jsonLines, LineNames, valid } from "./jsonl.ts";
import { judgingFields } from "./samples.ts";

/** Any text, also an empty one. */
export const anyText = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "is not a string") });

/** The fields that every such line has. */
export const answeredFields = { id: anyText.optional(), question: anyText, answer: anyText, ...judgingFields };

/** A valid line. */
export interface AnsweredLine<T, C> {
  /** Its `id`, or the one it is given. */
  readonly id: string;
  /** The earlier line of that id, if there is one. */
  readonly earlier: number | undefined;
  readonly data: T;
  readonly said: C;
  readonly json: object;
  /** `file:line`, for messages. */
  readonly where: string;
}

/** How lines are read: their fields, what was said, and the id of a line without one. */
export interface AnsweredFormat<T, C> {
  readonly fields: z.ZodType<T>;
  readonly completion: z.ZodType<C>;
  readonly unnamed: (data: T, line: number) => string;
}

/** What every line's value has. */
interface Answered {
  readonly id?: string | undefined;
  readonly question: string;
  readonly choices?: readonly string[] | null | undefined;
}

/** What `make` gives for every line; it may add faults. @throws UserError naming every fault of every line */
export async function readAnswered<T extends Answered, C, R>(
  file: string,
  { fields, completion, unnamed }: AnsweredFormat<T, C>,
  make: (line: AnsweredLine<T, C>, faults: Faults) => R,
): Promise<R[]> {
  const faults = new Faults();
  const made: R[] = [];
  const namer = new LineNames();
  for await (const row of jsonLines(file, faults)) {
    const { json, line, where } = row;
    const data = valid(fields, row, faults)?.data;
    const said = isObject(json) ? valid(completion, row, faults)?.data : undefined;
    if (!data || !said) continue;
    const misplaced = data.choices && choicesFault(data.question, data.choices);
    if (misplaced) faults.add(`${where}: choices`, misplaced);
    const name = data.id ?? unnamed(data, line);
    const named = namer.name(json, name, line);
    const [id, earlier] = typeof named === "string" ? [named, undefined] : [name, named.line];
    made.push(make({ id, earlier, data, said, json: json as object, where }, faults));
  }
  faults.throwIfAny(file, "Fix what is named above and run the command again; nothing was written.");
  return made;
}
