import type { Command } from "commander";
import { expect, it } from "vitest";
import { evalCommand } from "./eval-command.ts";
import { generateCommand } from "./generate-command.ts";
import { GROUPS } from "./option-groups.ts";
import { probeCommand } from "./probe-command.ts";
import { scoreCommand } from "./score-command.ts";

const commands: [string, Command][] = [
  ["eval", evalCommand()],
  ["generate", generateCommand()],
  ["score", scoreCommand()],
  ...probeCommand().commands.map((command): [string, Command] => [`probe ${command.name()}`, command]),
];

it.each(commands)("help of %s has every option under a heading, the headings in their order", (_, command) => {
  const help = command.helpInformation();
  const headings = help.split("\n").filter((line) => /^\S.*:$/.test(line) && line !== "Arguments:");
  const order: readonly string[] = Object.values(GROUPS);
  expect(headings.at(-1)).toBe("Options:");
  const places = headings.slice(0, -1).map((heading) => order.indexOf(heading));
  expect(places.length).toBeGreaterThan(3);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
  // What has no heading is help itself.
  expect(help.split("\nOptions:\n")[1]!.trim().split("\n")).toHaveLength(1);
  expect(help).toMatch(/--method <name>[\s\S]*direct: the question alone/);
});
