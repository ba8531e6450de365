/**
 * @file Kills commands at random moments, runs them again, and prints whether that is as if nothing had happened.
 *
 *     npm run test:kills                                   # 40 kills, the commands in turn
 *     npm run test:kills -- --seed 2 --count 100           # others, and more
 *     npm run test:kills -- --command train --count 10     # of one command
 *
 * Exit code 1 when a step was lost, a result differs, something was left, or a command did not go on.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stream } from "../../src/util/random.ts";
import { table } from "../../src/util/table.ts";
import { JudgeServer } from "../judge-server.ts";
import { COMMANDS, writeInputs } from "./commands.ts";
import { Kills, type Try } from "./kills.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "40" },
    command: { type: "string", multiple: true, default: COMMANDS.map(({ name }) => name) },
  },
});

const chosen = COMMANDS.filter(({ name }) => values.command.includes(name));
if (chosen.length === 0) throw new Error(`--command is one of ${COMMANDS.map(({ name }) => name).join("; ")}`);
process.env.GRIT_TEST_KEY = "secret-key";
const scratch = mkdtempSync(join(tmpdir(), "grit-kills-"));
const server = await new JudgeServer().start();
const done: Try[] = [];
const sum = (tries: readonly Try[]) => tries.reduce((total, { kills }) => total + kills, 0);
try {
  const base = join(scratch, "base");
  mkdirSync(base);
  await writeInputs(base, server.url);
  const kills = new Kills(scratch, base);
  for (let i = 0; sum(done) < Number(values.count); i++) {
    const random = stream(Number(values.seed), "kills", i);
    // Some are killed again while they go on.
    const ended = await kills.try(chosen[i % chosen.length]!, random, random.chance(0.25) ? 2 : 1);
    done.push(ended);
    console.error(
      `${ended.name}, killed after ${ended.at.join(" and ") || "nothing"} changes: ${ended.faults.join("; ") || "as unbroken"}`,
    );
  }
} finally {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

const rows = chosen.map(({ name }) => {
  const tries = done.filter((ended) => ended.name === name);
  return [name, tries.length, sum(tries), tries.filter(({ faults }) => faults.length === 0).length];
});
console.log(table([["command", "tries", "kills", "as unbroken"], ...rows]));
const bad = done.filter(({ faults }) => faults.length > 0).length;
console.log(
  `${sum(done)} kills of seed ${values.seed} in ${done.length} tries; ${bad} tries ended otherwise than unbroken.`,
);
process.exitCode = bad > 0 ? 1 : 0;
