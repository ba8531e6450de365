import { describeMemory } from "../../test/memory.ts";

// Where bfloat16 is emulated these take minutes.
describeMemory([
  ["bfloat16, with a reference", { precision: "bfloat16", reference: true }, "few"],
  [
    "an adapter in bfloat16",
    {
      precision: "bfloat16",
      reference: true,
      lora: { rank: 8, alpha: 16, dropout: 0, targets: "all-linear", parts: ["language"], seed: 1 },
    },
    "few",
  ],
  ["a vision tower trained on many patches, in bfloat16", { precision: "bfloat16" }, "many"],
]);
