/** @file Finds recipes that come with the package by their names. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../tools/places.mjs";
import { UserError } from "../util/errors.ts";

/**
 * The file of a recipe: one that ends in .yaml or .yml is a path, anything else the name of a recipe of the package.
 * @throws UserError for a name that no recipe has
 */
export function recipeFile(named: string): string {
  if (/\.ya?ml$/.test(named)) return named;
  const folder = join(packageRoot, "recipes");
  const names = readdirSync(folder).map((name) => name.replace(/\.yaml$/, ""));
  if (names.includes(named)) return join(folder, `${named}.yaml`);
  throw new UserError(
    `There is no recipe "${named}".`,
    `Name a file that ends in .yaml, or one that comes with the package: ${names.join(", ")}.`,
  );
}
