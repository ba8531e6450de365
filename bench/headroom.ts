/**
 * @file What can reinforcement find in a model's samples that its likeliest answer does not hold? Greedy answers, the mean sampled one, the
 * most frequent, and that of the highest reward:
 *
 *     npx tsx bench/headroom.ts --data FILE [--model DIR] [--prefix TEXT] [--samples 8] [--limit 100]
 *
 * Accuracy and grounding IoU with their 95 % intervals, and the share of prompts whose samples all earn the same: those teach nothing.
 */
import { parseArgs } from "node:util";
import { chainOf } from "../src/chain/chain-of.ts";
import { LOOK_PREFIX } from "../src/data/scenes/scene-chains.ts";
import { RemoteEngine } from "../src/engine/remote-engine.ts";
import { type Asking, ask, measured } from "../src/evaluation/ask.ts";
import { loadSets } from "../src/evaluation/evaluate.ts";
import { bootstrapMean, pairedGain } from "../src/evaluation/statistics.ts";
import { exactJudge } from "../src/judge/exact.ts";
import { fraction, fractionGain, percent, points } from "../src/report/number-format.ts";
import { scoreAll } from "../src/rewards/define.ts";
import { rewardPreset } from "../src/rewards/preset.ts";
import { chunks, mean } from "../src/util/arrays.ts";
import { table } from "../src/util/table.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "models/grit-tiny-base" },
    data: { type: "string" },
    prefix: { type: "string", default: LOOK_PREFIX },
    samples: { type: "string", default: "8" },
    limit: { type: "string", default: "100" },
  },
});

/** One answer, as it is measured. */
interface Measured {
  readonly acc: number;
  readonly iou: number;
  readonly reward: number;
  readonly said: string;
}

const [set] = await loadSets({ asked: values.data! }, { limit: Number(values.limit) });
const engine = await RemoteEngine.open(values.model, {});
const rewards = rewardPreset("paper", exactJudge);
const drawn: Measured[][] = [];
try {
  for (const seed of Array(1 + Number(values.samples)).keys()) drawn.push(await answers(seed));
} finally {
  await engine.dispose();
}

const [greedy, ...sampled] = drawn as [Measured[], ...Measured[][]];
const groups = greedy.map((_, i) => sampled.map((own) => own[i]!));
const largest = (of: (one: Measured) => number) => (group: Measured[]) =>
  group.reduce((best, one) => (of(one) > of(best) ? one : best));
const ways: Record<string, { acc: number; iou: number }[]> = {
  greedy,
  "sampled, mean": groups.map((group) => ({
    acc: mean(group.map(({ acc }) => acc)),
    iou: mean(group.map(({ iou }) => iou)),
  })),
  "sampled, most frequent answer": groups.map((group) =>
    largest((one) => group.filter(({ said }) => said === one.said).length)(group),
  ),
  "sampled, highest reward": groups.map(largest(({ reward }) => reward)),
  "sampled, highest IoU": groups.map(largest(({ iou }) => iou)),
};
const rows = Object.entries(ways).map(([name, way]) => {
  const [accs, ious] = [way.map(({ acc }) => acc), way.map(({ iou }) => iou)];
  const acc = pairedGain(
    greedy.map((one) => one.acc),
    accs,
  );
  const iou = pairedGain(
    greedy.map((one) => one.iou),
    ious,
  );
  const over =
    name === "greedy"
      ? ["", ""]
      : [
          `${points(acc.gain)} (${points(acc.low)} to ${points(acc.high)})`,
          `${fractionGain(iou.gain)} (${fractionGain(iou.low)} to ${fractionGain(iou.high)})`,
        ];
  return [name, percent(acc.after), over[0]!, fraction(iou.after), over[1]!];
});
console.log(engine.computing);
console.log(table([["", "ACC", "over greedy", "IoU", "over greedy"], ...rows]));
const alike = bootstrapMean(
  groups.map((group) => Number(new Set(group.map(({ reward }) => reward.toFixed(6))).size === 1)),
);
console.log(
  `${greedy.length} prompts, ${sampled.length} samples each at temperature 1; in ${percent(alike.mean)} % (${percent(alike.low)} to ${percent(alike.high)}) of the prompts all samples earn the same.`,
);

/** All samples of the set, asked once: greedily with seed 0, at temperature 1 with any other. */
async function answers(seed: number): Promise<Measured[]> {
  const asking: Asking = {
    method: "cot",
    prefix: values.prefix,
    temperature: seed === 0 ? 0 : 1,
    maxTokens: 256,
    seed,
  };
  const out: Measured[] = [];
  for (const batch of chunks(set!.samples, 150)) {
    const replies = await ask(engine, batch, asking);
    const lines = await measured(engine, "asked", asking, replies, exactJudge);
    for (const [i, { sample, prompt, said }] of replies.entries()) {
      const chain = chainOf(engine.processor, prompt, said.text);
      const { total } = await scoreAll(rewards, { sample, chain, completion: { text: said.text } });
      const { acc, giou } = lines[i]!;
      out.push({ acc: acc ?? 0, iou: giou ?? 0, reward: Number(total), said: chain.answer ?? "" });
    }
  }
  return out;
}
