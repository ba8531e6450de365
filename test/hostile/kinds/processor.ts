/** @file Image processors: sizes without end, other forms of known keys, and settings that are not computed. */
import type { Random } from "../../../src/util/random.ts";
import { type Json, jsonOf, opening } from "../checkpoint.ts";
import type { Generator } from "../hostile.ts";

interface Place {
  readonly layout: "qwen2_5_vl/tied" | "qwen2_5_vl/released" | "internvl/tied" | "internvl/original";
  readonly file: string;
}

/** Where each layout says how an image is cut. */
const PLACES: readonly Place[] = [
  { layout: "qwen2_5_vl/tied", file: "processor_config.json" },
  { layout: "qwen2_5_vl/released", file: "preprocessor_config.json" },
  { layout: "internvl/tied", file: "processor_config.json" },
  { layout: "internvl/original", file: "config.json" },
];

const HUGE = [1e10, 1e14, 2 ** 53, 1e300];
const NUMBERS: Record<string, readonly string[]> = {
  qwen2_5_vl: ["min_pixels", "max_pixels", "patch_size", "merge_size", "temporal_patch_size"],
  "internvl/tied": ["min_patches", "max_patches"],
  "internvl/original": ["min_dynamic_patch", "max_dynamic_patch", "force_image_size"],
};

/** A fault in the settings, and the key that the error must name. */
type Spoil = (random: Random, settings: Json, place: Place) => { key?: string; text?: string };

const isQwen = ({ layout }: Place) => layout.startsWith("qwen");
const pickNumber = (random: Random, place: Place) => random.pick(NUMBERS[isQwen(place) ? "qwen2_5_vl" : place.layout]!);

const FAULTS: Record<string, Spoil> = {
  "a huge number": (random, settings, place) => {
    const key = pickNumber(random, place);
    settings[key] = random.pick(HUGE);
    return { key };
  },
  "another form of a number": (random, settings, place) => {
    const key = pickNumber(random, place);
    settings[key] = random.pick<unknown>(["7", -1, 0.5, [], {}, [14, 14], true, 0]);
    return { key };
  },
  "images beyond the context": (random, settings, place) => {
    if (isQwen(place)) Object.assign(settings, { min_pixels: random.pick([1e8, 9e8]), max_pixels: 1e9 });
    else if (place.layout === "internvl/tied") Object.assign(settings, { min_patches: 1024, max_patches: 1024 });
    else Object.assign(settings, { min_dynamic_patch: 1024, max_dynamic_patch: 1024 });
    return {};
  },
  "limits the wrong way round": (_, settings, place) => {
    if (isQwen(place)) Object.assign(settings, { min_pixels: 9000, max_pixels: 4000 });
    else if (place.layout === "internvl/tied") Object.assign(settings, { min_patches: 5, max_patches: 2 });
    else Object.assign(settings, { min_dynamic_patch: 5, max_dynamic_patch: 2 });
    return {};
  },
  "another form of size": (random, settings, place) => {
    if (place.layout === "internvl/original") {
      settings.force_image_size = random.pick<unknown>([[28, 28], { height: 28 }, "28", 29]);
      return {};
    }
    const forms: unknown[] = [
      448,
      "448",
      [],
      {},
      [448, 448],
      { height: 28 },
      { longest_edge: 448 },
      { shortest_edge: 448 },
    ];
    const other = isQwen(place) ? { height: 28, width: 28 } : { height: 28, width: 56 };
    settings.size = random.pick([...forms, other, { shortest_edge: "28", longest_edge: 280 }]);
    return { key: "size" };
  },
  "another form of a level": (random, settings, place) => {
    const key = random.pick(["image_mean", "image_std"]);
    settings[key] = random.pick<unknown>([
      0.5,
      [0.5],
      [0.5, 0.5, 0.5, 0.5],
      ["a", "b", "c"],
      [null, 0, 0],
      [1e30, 1, 1],
      [0.5, -1, 0.5],
      {},
    ]);
    return place.layout === "internvl/original" ? {} : { key };
  },
  "channels divided by nothing": (_, settings) => {
    settings.image_std = [0, 0, 0];
    return {};
  },
  "what is not computed": (random, settings) => {
    const [key, values] = random.pick<[string, unknown[]]>([
      ["do_resize", [false, "no", 0]],
      ["do_rescale", [false]],
      ["do_normalize", [false, {}]],
      ["do_convert_rgb", [false]],
      ["resample", [0, 2, "bicubic"]],
      ["rescale_factor", [1, 0, "1/255"]],
    ]);
    settings[key] = random.pick(values);
    return { key };
  },
  "another processor": (random, settings) => {
    settings.image_processor_type = random.pick<unknown>([
      "CLIPImageProcessor",
      "constructor",
      7,
      {},
      "Qwen3VLImageProcessor",
    ]);
    return {};
  },
  "patches of another size": (_, settings, place) => {
    if (isQwen(place)) settings.patch_size = 16;
    else if (place.layout === "internvl/tied") settings.size = { height: 56, width: 56 };
    else settings.force_image_size = 30;
    return {};
  },
  "no JSON": (random, settings) => ({
    text: random.pick([JSON.stringify(settings).slice(0, -2), "{", "[]", "null", "\0"]),
  }),
};

const generate: Generator = (random) => {
  const place = random.pick(PLACES);
  const { layout } = place;
  const name = random.pick(Object.keys(FAULTS));
  // The original's config says the sizes; its processor's file, only the levels and what is done to an image.
  const isLevels = ["another form of a level", "channels divided by nothing", "what is not computed"].includes(name);
  const own = layout === "internvl/original" && (isLevels || name === "another processor");
  const file = own ? "preprocessor_config.json" : place.file;
  const json = jsonOf(layout, file);
  const settings = (json.image_processor ?? json) as Json;
  const { key, text } = FAULTS[own && name === "another processor" ? "what is not computed" : name]!(
    random,
    settings,
    place,
  );
  return opening(random, layout, {
    name,
    files: { [file]: text ?? JSON.stringify(json) },
    names: key === undefined ? [] : [file, key],
  });
};
export default generate;
