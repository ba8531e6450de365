/** @file A reward: 1 for a chain of at most 400 characters, less for a longer one, 0 from 800 characters on. */
import { defineReward } from "grit-ts";

export default defineReward({
  name: "brief",
  weight: 0.2,
  score: ({ chain }) => Math.min(1, Math.max(0, 2 - chain.text.length / 400)),
});
