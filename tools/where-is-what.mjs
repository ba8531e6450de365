/**
 * @file Writes "Where things are" in ARCHITECTURE.md: every file of `src/` with the first sentence of its `@file` comment.
 * Rooms come in the order of the layers in `test/imports.test.ts`.
 *
 *     node tools/where-is-what.mjs            # writes the section
 *     node tools/where-is-what.mjs --check    # exit code 1 if the section is out of date
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(root, "ARCHITECTURE.md");
const BEGIN = "<!-- where things are: made by `node tools/where-is-what.mjs` from the @file comments -->";
const END = "<!-- end of where things are -->";
/** Longest sentence that still reads as one line. */
const LONGEST = 120;

/** The rooms of `src/` and its files at the top, in the order of the import rule. */
function rooms() {
  const source = readFileSync(join(root, "test", "imports.test.ts"), "utf8");
  const list = /const layers = \[\n([\s\S]*?)\n\];/.exec(source)?.[1];
  if (!list) throw new Error("test/imports.test.ts has no list of layers");
  const names = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
  return { top: names.filter((name) => name.endsWith(".ts")), folders: names.filter((name) => !name.endsWith(".ts")) };
}

/** The files of a folder of `src/` that are not tests: its own first, then those of the folders in it. */
function filesOf(folder) {
  return readdirSync(join(root, "src", folder), { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".test.ts"))
    .sort((a, b) => compare(posix.dirname(a), posix.dirname(b)) || compare(a, b));
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The first sentence of a file's `@file` comment; one that is too long for a line ends at its colon.
 * @throws Error when there is no such comment, or its sentence does not fit in a line
 */
export function firstSentence(path, source) {
  const comment = /^(?:#!.*\n)?\/\*\*\s+(?:\* )?@file\s+([\s\S]*?)\s*\*\//.exec(source)?.[1];
  if (!comment) throw new Error(`${path}: does not begin with an @file comment`);
  const text = comment
    .replaceAll(/\n \*(?: |(?=\n|$))/g, "\n")
    .split(/\n\s*\n/)[0]
    .replaceAll(/\s+/g, " ");
  // A sentence ends where the next one begins; "et al. 2021" and "(paper, eq. 1)" do not end one.
  const end = /[.?](?= [A-Z`'"(]|$)/.exec(
    text.replaceAll(/\b(et al|eq|e\.g|i\.e|vs)\./g, (word) => "_".repeat(word.length)),
  );
  const whole = end ? text.slice(0, end.index + 1) : text.replace(/:?$/, ".");
  const sentence = whole.length > LONGEST ? whole.replace(/: .*/, ".") : whole;
  if (sentence.length > LONGEST)
    throw new Error(`${path}: the first sentence has ${sentence.length} characters, more than ${LONGEST}: ${sentence}`);
  return sentence;
}

/** The lines of some files, names in one column. */
function lines(files, folder) {
  const width = Math.max(...files.map((file) => file.length)) + 2;
  return files.map((file) => {
    const path = posix.join("src", folder, file);
    return `${file.padEnd(width)}${firstSentence(path, readFileSync(join(root, path), "utf8"))}`;
  });
}

function section() {
  const { top, folders } = rooms();
  const block = (title, files, folder) => `### ${title}\n\n\`\`\`\n${lines(files, folder).join("\n")}\n\`\`\``;
  const blocks = [block("src", top, "."), ...folders.map((folder) => block(`src/${folder}`, filesOf(folder), folder))];
  return [BEGIN, ...blocks, END].join("\n\n");
}

/** Whether ARCHITECTURE.md says where things are now; writes it unless `check`. */
export function whereIsWhat(check) {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${basename(PAGE)} has no section between ${BEGIN} and ${END}`);
  const written = page.slice(0, begin) + section() + page.slice(end + END.length);
  if (written === page) return true;
  if (!check) writeFileSync(PAGE, written);
  return false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  if (!whereIsWhat(check) && check) {
    console.error('ARCHITECTURE.md: "Where things are" is out of date. Run node tools/where-is-what.mjs');
    process.exitCode = 1;
  }
}
