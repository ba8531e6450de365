/**
 * @file Loads the native library and lets it compute, in a process of its own: a library that cannot be loaded ends this
 * process, not the one that asked. Prints what the library says of itself.
 */
import { createRequire } from "node:module";
import { addon } from "./places.mjs";

console.log(createRequire(import.meta.url)(addon).selfTest());
