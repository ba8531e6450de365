/** @file Runs the commands that its parent sends, one after another, and answers how each ended. */
import { main } from "../../src/cli/main.ts";
import type { Answer } from "./hostile.ts";

let printed = "";
process.stderr.write = (text: unknown) => {
  printed += String(text);
  return true;
};
console.error = (error: unknown) => {
  printed += `${error instanceof Error ? error.stack : String(error)}\n`;
};
console.log = () => {};

process.on("message", async (argv: string[]) => {
  printed = "";
  const code = await main(argv);
  const answer: Answer = { code, printed, bytes: process.resourceUsage().maxRSS * 1024 };
  process.send!(answer);
});
