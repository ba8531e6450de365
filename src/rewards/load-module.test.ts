/**
 * @file Reward modules of every kind, in folders of every kind. They are loaded in a process of their own, since a test's
 * imports do not go through Node.js.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grit-rewards-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, code: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, code);
  return path;
}

/** What each module gives: the names of its rewards with their scores, or the message of the UserError. */
function load(paths: readonly string[]): unknown[] {
  const loader = pathToFileURL("src/rewards/load-module.ts").href;
  const script = `import { loadRewardModule } from ${JSON.stringify(loader)};
    const input = { chain: { text: "four" } };
    const outcomes = ${JSON.stringify(paths)}.map((path) => loadRewardModule(path).then(
      (rewards) => rewards.map(({ name, score }) => [name, score(input)]),
      (error) => error.name === "UserError" ? error.message : error.stack));
    console.log(JSON.stringify(await Promise.all(outcomes)));`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as unknown[];
}

const typescript = `import { defineReward, type RewardInput } from "grit-ts";
import { half } from "./half";
import { other } from "./other.js";
enum Factor { One = 1 }
const score = ({ chain }: RewardInput): number => chain.text.length * half * other * Factor.One;
export const longer = defineReward({ name: "longer", weight: 1, score });
export default longer;
export const noReward = 3;
`;
const javascript = `import { defineReward } from "grit-ts";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
const name = basename(fileURLToPath(new URL("words.txt", import.meta.url)));
export default defineReward({ name: "beside", weight: 1, score: () => name.length });
`;

describe("loadRewardModule", () => {
  it("loads TypeScript and JavaScript wherever they are", () => {
    const kinds = { bare: undefined, common: '{ "type": "commonjs" }', esm: '{ "type": "module" }' };
    const paths = Object.entries(kinds).flatMap(([kind, description]) => {
      if (description) file(`${kind}/package.json`, description);
      file(`${kind}/half.ts`, "export const half: number = 0.5;\n");
      file(`${kind}/other.ts`, "export const other: number = 1;\n");
      const common = "module.exports = { name: 'old', weight: 1, score: () => 7 };\n";
      return [
        file(`${kind}/longer.ts`, typescript),
        file(`${kind}/beside.js`, javascript),
        file(`${kind}/beside.mjs`, javascript),
        file(`${kind}/old.cjs`, common),
        ...(kind === "esm" ? [] : [file(`${kind}/old.js`, common)]),
      ];
    });
    const [longer, beside, old] = [[["longer", 2]], [["beside", 9]], [["old", 7]]];
    const everywhere = [longer, beside, beside, old];
    expect(load(paths)).toEqual([...everywhere, old, ...everywhere, old, ...everywhere]);
  });

  it("explains what is wrong with a module", () => {
    const outcomes = load([
      join(folder, "missing.ts"),
      file("broken.ts", "export default {"),
      file("throws.ts", "throw new Error('no luck');"),
      file("lonely.ts", "import './nobody';"),
      file("empty.ts", "export const a = 1;"),
      file("weightless.ts", "export default { name: 'a', score: () => 1 };"),
    ]);
    const messages = [
      /no such reward module/,
      /does not load: .*broken\.ts:1:16: ERROR: Expected identifier/s,
      /does not load: no luck/,
      /does not load: Cannot find .*nobody/,
      /exports no reward/,
      /reward "a" has the weight undefined/,
    ];
    expect(outcomes).toHaveLength(messages.length);
    for (const [i, message] of messages.entries()) expect(outcomes[i]).toMatch(message);
  });
});
