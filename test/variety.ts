/** @file A reward for models of random weights, which score 0 on everything real. */

/** The text of a reward module that tells their completions apart. */
export const VARIETY = `export default {
  name: "variety",
  weight: 1,
  score: ({ completion: { ids } }) => new Set(ids).size / ids.length + (ids[0] % 7) / 7,
};\n`;
