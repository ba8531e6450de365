/** @file Where the keys of a recipe were written, so that an error about one of them, whenever it comes, says file and line. */
import { OutOfMemory, UserError } from "../util/errors.ts";

/** Gives the file and line of a key, by the value that was read. */
const places = new WeakMap<object, (key: string) => string>();

/** Remembers where the keys of a value were written. */
export function remember(value: object, placeOf: (key: string) => string): void {
  places.set(value, placeOf);
}

/** Does work with a value that `loadYaml` gave: an error about one of its keys says where that was written. */
export async function placing<T>(value: object, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const placeOf = places.get(value);
    if (!placeOf || !(error instanceof UserError) || error.key === undefined) throw error;
    const named = error.message.startsWith(error.key) ? error.message : `${error.key}: ${error.message}`;
    error.message = `${placeOf(error.key)}: ${named}`;
    error.key = undefined;
    throw error;
  }
}

/** Does work that a key's value is needed for: an error that names no other key is about this one. */
export async function about<T>(key: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError && !(error instanceof OutOfMemory)) error.key ??= key;
    throw error;
  }
}

/** Does work with a section of a recipe: an error names its keys as in the section, and gets them from the recipe's top. */
export async function inSection<T>(section: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) error.key = error.key === undefined ? section : `${section}.${error.key}`;
    throw error;
  }
}
