import { describeMemory } from "../../test/memory.ts";

const few = { microBatchTokens: 500, logitChunk: 60_000 };
const again = { ...few, activationCheckpointing: true };
describeMemory([
  ["many short completions, layers run again", again, { prompts: 6, patches: 256, words: 30, lengths: [8, 12, 10, 9] }],
  ["one long completion", few, { prompts: 2, patches: 64, words: 30, lengths: [10, 300] }],
  ["many patches through a trained tower", again, { prompts: 2, patches: 1536, words: 30, lengths: [4, 5] }],
  ["one of four processes", again, { prompts: 6, patches: 256, words: 30, lengths: [8, 12, 10, 9], processes: 4 }],
  ["sampling above all", again, { prompts: 6, patches: 64, words: 20, lengths: [2, 2, 2, 2, 2, 2], sampled: 128 }],
]);
