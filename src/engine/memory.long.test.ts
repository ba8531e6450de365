import { describeMemory } from "../../test/memory.ts";
import type { EngineOptions } from "./engine.ts";

const plain: EngineOptions = { microBatchTokens: 800 };
const again: EngineOptions = { microBatchTokens: 1500, activationCheckpointing: true };
const small: EngineOptions = { ...again, logitChunk: 60_000 };
const half: EngineOptions = { ...again, precision: "bfloat16" };
const lora = { rank: 8, alpha: 16, dropout: 0, targets: "all-linear", parts: ["language"], seed: 1 } as const;
const short = { prompts: 20, patches: 256, words: 40, lengths: [20, 25, 30, 22] };
const few = { ...short, prompts: 12 };
const long = { prompts: 3, patches: 64, words: 40, lengths: [40, 700] };
const wide = { prompts: 2, patches: 2048, words: 20, lengths: [4, 5] };
const image = { prompts: 4, patches: 1024, words: 20, lengths: [4, 50] };

// Where bfloat16 is emulated those in bfloat16 take minutes.
describeMemory([
  ["many short completions", again, short],
  ["many short completions, few logits at a time", small, short],
  ["a long completion beside a short one", small, long],
  ["a single prompt", small, { ...long, prompts: 1 }],
  ["many short completions, activations kept", plain, few],
  ["long completions, activations kept", plain, { prompts: 2, patches: 64, words: 40, lengths: [300, 310] }],
  ["many patches, activations kept", plain, { ...wide, patches: 1024 }],
  ["many patches", small, wide],
  ["many patches through a frozen tower", { ...small, freeze: ["vision", "connector"] }, image],
  ["a trained connector above a frozen tower", { ...plain, logitChunk: 60_000, freeze: ["vision"] }, image],
  ["with a reference", { ...again, reference: true }, { ...short, prompts: 8, lengths: [60, 70] }],
  ["one of two processes, activations kept", plain, { ...few, processes: 2 }],
  ["one of eight processes, with a reference", { ...small, reference: true }, { ...short, processes: 8 }],
  ["one of eight processes, many patches", small, { ...wide, processes: 8 }],
  ["one of four processes, bfloat16", half, { ...short, processes: 4 }],
  ["an adapter", { ...again, lora, reference: true }, short],
  [
    "adapters of the tower too, with dropout",
    { ...plain, lora: { ...lora, parts: ["language", "vision"], dropout: 0.1 } },
    image,
  ],
  ["bfloat16 with a reference", { ...half, reference: true }, short],
  ["bfloat16, few logits at a time", { ...half, reference: true, logitChunk: 60_000 }, short],
  ["bfloat16, activations kept", { ...plain, precision: "bfloat16" }, few],
  ["bfloat16, an adapter", { ...half, lora, reference: true }, short],
  ["bfloat16, many patches", { ...half, logitChunk: 60_000 }, wide],
]);
