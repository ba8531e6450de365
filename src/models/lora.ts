/**
 * @file LoRA (Hu et al. 2021, section 4.1): a low-rank change scale · (x Aᵀ) Bᵀ beside a frozen linear layer x Wᵀ.
 * Parameters are named, modules chosen and values drawn as PEFT does, so that adapters go both ways.
 *
 * Shapes: A [R, in], B [out, R], R the rank.
 */

import { add, bernoulli_, cast, Generator, linear, matmul, mul, toDevice, uniform_, zeros } from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import { nearest, UserError } from "../util/errors.ts";
import { stream } from "../util/random.ts";
import type { Model, Part } from "./model.ts";
import type { Weights } from "./weights.ts";

/** The two matrices of a module, by the names their parameters have. */
export function adapterNames(module: string): { a: string; b: string } {
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/** What a module's adapter adds to x Wᵀ, or undefined when it has none. x [rows, in] → [rows, out]. */
export function lowRank(weights: Weights, module: string, x: Tensor): Tensor | undefined {
  const { a, b } = adapterNames(module);
  if (!weights.adaptation || !weights.has(a)) return undefined;
  const { scale, dropout } = weights.adaptation;
  const seen = dropout?.share ? dropped(x, dropout.share, dropout.seedOf(module)) : x;
  return linear(mul(linear(seen, weights.get(a)), scale), weights.get(b));
}

/** Elements set to zero with probability `share`, the others grown to keep the mean. Equal seeds drop equal elements. */
function dropped(x: Tensor, share: number, seed: number): Tensor {
  using generator = new Generator(seed, x.device);
  const mask = bernoulli_(zeros(x.shape, x.dtype, x.device), 1 - share, generator);
  return mul(mul(x, mask), 1 / (1 - share));
}

/** W + scale · B A in float32: the layer with its adapter folded in. */
export function merged(weight: Tensor, a: Tensor, b: Tensor, scale: number): Tensor {
  return add(cast(weight, "float32"), toDevice(mul(matmul(b, a), scale), weight.device));
}

/** The linear layers that can have an adapter: [out, in] by module. Embeddings and the output head cannot. */
export function linearModules(model: Model): Map<string, readonly [number, number]> {
  const matrices = [...model.parameterShapes()].filter(
    ([name, shape]) => name.endsWith(".weight") && shape.length === 2 && model.partOf(name) !== "embeddings",
  );
  return new Map(matrices.map(([name, [out, into]]) => [name.replace(/\.weight$/, ""), [out!, into!]]));
}

/** Modules by name: `all-linear`, a regular expression for the whole name, or names that modules have or end in. */
export type Targets = string | readonly string[];

/**
 * The modules of `parts` that `targets` chooses, by PEFT's rules (`check_target_module_exists`). `nameOf` gives the name
 * that PEFT knows a module by. @throws UserError naming every target that chooses none
 */
export function chooseModules(
  model: Model,
  targets: Targets,
  parts: readonly Part[],
  nameOf: (module: string) => string,
): string[] {
  const modules = [...linearModules(model).keys()].filter((module) => parts.includes(model.partOf(`${module}.weight`)));
  const matchers = typeof targets === "string" ? [byPattern(targets)] : targets.map(byName);
  const lost = matchers.filter(({ matches }) => !modules.some((module) => matches(nameOf(module))));
  if (lost.length > 0) {
    const known = [...new Set(modules.map((module) => nameOf(module).split(".").at(-1)!))].sort();
    const guesses = [...new Set(lost.flatMap(({ target }) => nearest(target, known) ?? []))];
    throw new UserError(
      `lora.target_modules: ${lost.map(({ target }) => target).join(", ")} names no linear layer of lora.parts: ${parts.join(", ")}.`,
      `${guesses.length ? `Did you mean ${guesses.join(", ")}? ` : ""}There are ${known.join(", ")}.`,
      "lora.target_modules",
    );
  }
  return modules.filter((module) => matchers.some(({ matches }) => matches(nameOf(module))));
}

interface Matcher {
  readonly target: string;
  readonly matches: (name: string) => boolean;
}

function byName(target: string): Matcher {
  return { target, matches: (name) => name === target || name.endsWith(`.${target}`) };
}

function byPattern(target: string): Matcher {
  if (target === "all-linear") return { target, matches: () => true };
  try {
    const whole = new RegExp(`^(?:${target})$`);
    return { target, matches: (name) => whole.test(name) };
  } catch {
    throw new UserError(
      `lora.target_modules: ${target} is not a regular expression.`,
      "Write all-linear, a list of module names, or a regular expression for the whole name.",
      "lora.target_modules",
    );
  }
}

/** A new adapter: A uniform in ±1/√in, B zero, so that it begins by changing nothing. */
export function freshAdapter(
  model: Model,
  modules: readonly string[],
  rank: number,
  seed: number,
  device: string,
): Map<string, Tensor> {
  const shapes = linearModules(model);
  return new Map(
    modules.flatMap((module) => {
      const [out, into] = shapes.get(module)!;
      const { a, b } = adapterNames(module);
      using generator = new Generator(stream(seed, "lora", module).uint32());
      const bound = into ** -0.5;
      const drawn = keep(tidy(() => toDevice(uniform_(zeros([rank, into]), -bound, bound, generator), device)));
      return [[a, drawn] as const, [b, keep(zeros([out, rank], "float32", device))] as const];
    }),
  );
}
