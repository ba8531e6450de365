/** @file The headings of options in help, the same and in the same order in every command. */
import { type Command, Help, type Option } from "commander";

export const GROUPS = {
  input: "What is read:",
  prompt: "How the model is asked:",
  sampling: "How it answers:",
  scoring: "How answers are scored:",
  probe: "What is probed:",
  output: "What is written:",
  existing: "Evaluations that exist already, instead of a new one:",
  server: "How it is reached:",
  machine: "How it computes:",
} as const;

/** Puts the options that are added next under a heading. */
export function under(command: Command, group: keyof typeof GROUPS): Command {
  return command.configureHelp({ groupItems: inOrder }).optionsGroup(GROUPS[group]);
}

/** Commander's groups in the order of `GROUPS`, whatever the order in which their options were added; all others after them. */
function inOrder<T extends Command | Option>(
  unsorted: T[],
  visible: T[],
  groupOf: (item: T) => string,
): Map<string, T[]> {
  const order: readonly string[] = Object.values(GROUPS);
  const place = (heading: string) => (order.includes(heading) ? order.indexOf(heading) : order.length);
  return new Map([...new Help().groupItems(unsorted, visible, groupOf)].sort(([a], [b]) => place(a) - place(b)));
}
