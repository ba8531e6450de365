import { describeMemory } from "../../test/memory.ts";

describeMemory([
  ["everything trained", {}, "few"],
  ["layers run again", { activationCheckpointing: true }, "few"],
  ["a frozen vision tower", { freeze: ["vision", "connector"] }, "few"],
  ["a vision tower trained on many patches", {}, "many"],
  ["many patches through a frozen tower", { freeze: ["vision", "connector"] }, "many"],
]);
