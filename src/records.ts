/**
 * @file The records that flow through the system, in order:
 * `Sample → Prompt → Completion → Chain → Scores → Rollout`. A group holds a sample with its rollouts: no index-aligned lists.
 */

/**
 * The space a box's numbers live in. `image`: pixels of the stored image (EXIF orientation not applied).
 * `frame`: pixels of the resized image the model saw (Qwen2.5-VL speaks these). `permille`: 0-1000 of the image's width
 * and height (InternVL speaks these). Rewards, metrics, files, viewers and the API use `image`.
 */
export type Space = "image" | "frame" | "permille";

/** A box in a named space; conversion goes through `toSpace` in `boxes.ts` and needs the recorded `Frame`. */
export interface Box<S extends Space = Space> {
  readonly space: S;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** How an image was resized for the model, from which boxes are converted between spaces. All in pixels. */
export interface Frame {
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
}

/** What a sample asks for: a count, the boxes of something, or any other answer. */
export type Task = "count" | "detect" | "answer";

/**
 * One question about one image.
 * @example { id: "vsr-0003", image: "/data/vsr/3.png", question: "Is the cat left of the dog?", answer: "yes",
 *            boxes: [{ space: "image", x1: 4, y1: 8, x2: 40, y2: 60 }], width: 640, height: 480, dataset: "vsr", task: "answer",
 *            split: "train" }
 */
export interface Sample {
  /** Unique within its file; the line's own `id`, or `<dataset>-<line number>`. */
  readonly id: string;
  /** File and line it was read from, e.g. `train.jsonl:7`. */
  readonly where?: string;
  /** Path of the image file, resolved against the data file or `--images`. */
  readonly image: string;
  readonly question: string;
  /** What a detection sample asks to find, in words of its own: `the woman in the red coat`. The methods that ask for a box need it. */
  readonly phrase?: string;
  readonly answer: string;
  /** Ground-truth boxes; never shown to the model, and to no reward but where they are what a detection sample asks for. */
  readonly boxes: readonly Box<"image">[];
  /** Stored size of the image in pixels. */
  readonly width: number;
  readonly height: number;
  /** e.g. `vsr`, `tallyqa`, `gqa`, `mme_count`, `mathvista_mini`, `ovd_position`, `refcoco`. */
  readonly dataset: string;
  /** What is asked for: how many there are, where something is, or anything else. Decided once, by `taskOf`. */
  readonly task: Task;
  readonly split: string;
  readonly keyWords?: readonly string[];
  /** Options of a multiple-choice question, in the order of their letters; the question may list them too. For the judge. */
  readonly choices?: readonly string[];
  /** What kind of answer is wanted; see `JudgeRequest`. */
  readonly answerType?: string;
}

/** The pixels of one image as the vision tower takes them. */
export interface ImageInput {
  /** Flattened patches [patches, values], row-major float32, normalised. */
  readonly pixels: Float32Array;
  /** Patch grid [t, h, w] before merging, patches = t*h*w: Qwen's `image_grid_thw`; InternVL's t tiles of h rows and w columns. */
  readonly grid_thw: readonly [number, number, number];
  readonly frame: Frame;
  /** SHA-256 of the image file, hex: names the image in caches and in the run folder. */
  readonly sha256: string;
}

/** How images are cut for the vision tower. The model and its processor each have it from their own files, and must agree. */
export interface ImageLayout {
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Patches along each side of the square that becomes one token. */
  readonly mergeSize: number;
  /** Frames that a patch spans; a still image is repeated so often. */
  readonly temporalPatchSize: number;
  /** Tokens of a tile, in a family that cuts images into tiles. */
  readonly tileTokens?: number | undefined;
}

/** A sample prepared for the model. */
export interface Prompt {
  /** Token ids, image placeholders already expanded to one id per feature of the vision tower. */
  readonly ids: readonly number[];
  /** In the order of their placeholders. Empty for text only. */
  readonly images: readonly ImageInput[];
}

/** Why generation ended: a stop token or string, the token limit, or an abort from outside. */
export type Ending = "stop" | "length" | "abort";

/** One sampled answer. */
export interface Completion {
  readonly ids: readonly number[];
  /** Log-probability of each id under the policy that sampled it, at temperature 1, placeholder ids masked. */
  readonly logprobs: readonly number[];
  /** Decoded text, special tokens left out. */
  readonly text: string;
  readonly ending: Ending;
}

/** A box found in a completion, with its place in the text. */
export interface PlacedBox {
  /** As written: the model's own space. */
  readonly written: Box;
  /** In image pixels, by the recorded resize. */
  readonly box: Box<"image">;
  /** Character range in the completion's text. */
  readonly start: number;
  readonly end: number;
  /** It is before the first `<rethink>`, or there is none. */
  readonly beforeRethink: boolean;
  /** Flaws that the parser found; metrics count them. */
  readonly duplicate: boolean;
  readonly degenerate: boolean;
  readonly outOfBounds: boolean;
}

/** A parsed completion: the spans of its text and its boxes. */
export interface Chain {
  readonly text: string;
  /** Body of the first well-placed `<think>` pair, or undefined. Likewise `rethink`. */
  readonly think: string | undefined;
  readonly rethink: string | undefined;
  /** Text after the first `<answer>`, cut at `</answer>`, trimmed; undefined without the tag. */
  readonly answer: string | undefined;
  readonly boxes: readonly PlacedBox[];
  /** Exactly one think pair, then one rethink pair, then one `<answer>`, in this order. */
  readonly wellFormed: boolean;
}

/** There is no score: the judge timed out, refused or gave an unreadable answer. Not the same as 0. */
export interface Unscored {
  readonly unscored: string;
}

/** A reward's verdict. */
export type Score = number | Unscored;

/** Whether a verdict is a number. */
export function isScored(score: Score): score is number {
  return typeof score === "number";
}

/** One rollout's verdicts: each term by name, already weighted, and their sum. `total` is unscored if any term is. */
export interface Scores {
  readonly terms: Readonly<Record<string, Score>>;
  readonly total: Score;
}

/** One completion with its chain, scores and advantage. */
export interface Rollout {
  readonly completion: Completion;
  readonly chain: Chain;
  readonly scores: Scores;
  /** How much better it did than its siblings: see `objective/advantage.ts`. */
  readonly advantage: number;
  /** Of its ids under the frozen reference; absent where the loss has no KL term. */
  readonly referenceLogprobs?: readonly number[];
}

/** A sample's prompt and what was sampled from it: compared with each other, trained on together. */
export interface Group {
  readonly sample: Sample;
  readonly prompt: Prompt;
  readonly rollouts: readonly Rollout[];
}
