/**
 * @file Loads the native library and lets it compute, in a process of its own: a library that cannot be loaded ends this
 * process, not the one that asked. Prints what the library says of itself.
 */
import { createRequire } from "node:module";

const addon = createRequire(import.meta.url)("../build/native/grit.node");
console.log(addon.selfTest());
