/** @file Services that judge by broken, huge, endless or foreign bodies: no failure of theirs may become a score. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Random } from "../../../src/util/random.ts";
import type { Behaviour, Received } from "../../judge-server.ts";
import { type Generator, KEY, KEY_ENV } from "../hostile.ts";

/** An answer of the service, with what a chat completion has around it. */
const said = (content: unknown, finish_reason: unknown = "stop"): Behaviour => ({
  body: { choices: [{ message: { content }, finish_reason }] },
});
const SOUND = JSON.stringify({ choices: [{ message: { content: '{"score": 1}' }, finish_reason: "stop" }] });

/** Values of JSON that are none of what a key of an answer has. */
const other = (random: Random) => random.pick<unknown>([null, 7, -1, true, "", [], {}, [[1]], [null], { toString: 1 }]);
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const FAULTS: Record<string, (random: Random) => Behaviour> = {
  "no JSON": (random) => ({
    body: random.pick<string | Buffer>([
      ...["", " ", "\0", "NaN", "undefined", "{'choices': []}", "<html><body>502 Bad Gateway</body></html>"],
      ...[SOUND.slice(0, random.int(1, SOUND.length - 1)), `${SOUND}${SOUND}`, `${SOUND},`, `callback(${SOUND})`],
      Buffer.from(Array.from({ length: 200 }, () => random.int(128, 255))),
      Buffer.from(SOUND, "utf16le"),
    ]),
  }),
  "something else": (random) => ({ body: JSON.stringify(other(random)) }),
  "choices that are none": (random) => ({
    body: { choices: random.pick<unknown>([other(random), [other(random)], []]) },
  }),
  "a message that is none": (random) => ({ body: { choices: [{ message: other(random), finish_reason: "stop" }] } }),
  "content that is none": (random) =>
    said(
      random.pick<unknown>([
        ...[null, 7, 1, true, {}, { score: 1 }, { text: '{"score": 1}' }, [], [7], [null]],
        ...[[['{"score": 1}']], [{ type: "text", text: { score: 1 } }], [[{ type: "text", text: '{"score": 1}' }]]],
        ...[[{ type: "reasoning", content: '{"score": 1}' }], ["{", '"score": 1}']],
      ]),
    ),
  "a score that is none": (random) => {
    const value = random.pick([
      ...["NaN", '"NaN"', "Infinity", "1e999", "-Infinity", "null", "true", '"high"', "", "[1]", "{}", '{"score": 1}'],
      ...["-0.1", "-1", "1.0000001", "2", "100", "1e2", "0x1", "1/1", "+1", ".5", "1.", "0,5", "1%", "one"],
    ]);
    return said(
      random.pick([`{"score": ${value}}`, `{score: ${value}}`, `Score:\n\`\`\`json\n{"score": ${value}}\n\`\`\``]),
    );
  },
  "no verdict": (random) =>
    said(
      random.pick([
        ...[
          "",
          " \n",
          "1",
          "0",
          "yes",
          "score: 1",
          '"score": 1',
          '{"score": 1',
          "{score 1}",
          '{"scores": 1}',
          '{"Score 1"}',
        ],
        ...[
          '{"score": 0}{"score": 1}',
          '{"score": 1, "score": 0}',
          "Either {score: 0} or {score: 1}.",
          '[{"score": 1}, {"score": 0}]',
        ],
        ...['I cannot see it. The form is {"score": 0}', "I am unable to judge: {score: 0}", '{"error": "overloaded"}'],
      ]),
    ),
  "an error inside": (random) => {
    const error = random.pick<unknown>([
      ...[
        "overloaded",
        { message: "upstream is down" },
        { message: { text: "lost" } },
        { message: [["lost"]] },
        { code: 529 },
      ],
      ...[
        { message: { toString: 7 } },
        { message: null, code: "500" },
        ["lost"],
        true,
        7,
        { error: { message: "inner" } },
      ],
      ...[
        { message: `no quota for Bearer ${KEY}` },
        `key ${KEY} is over its limit`,
        { message: "x".repeat(1e6) },
        { [KEY]: KEY },
      ],
    ]);
    const inChoice = { choices: [{ message: { content: '{"score": 0}' }, error }] };
    return { body: random.pick<unknown>([{ error }, { error, ...JSON.parse(SOUND) }, inChoice]) };
  },
  "a refusal": (random) => {
    const refusal = random.pick<unknown>(["I would rather not.", `No, ${KEY}!`, { toString: 1 }, ["no"], true, 7]);
    return { body: { choices: [{ message: { content: '{"score": 0}', refusal }, finish_reason: "stop" }] } };
  },
  "a choice that was broken off": (random) =>
    said(
      random.pick(["", "Let me think about", '{"score":', null]),
      random.pick(["length", "content_filter", "error"]),
    ),
  "a stream": (random) => ({
    headers: { "content-type": "text/event-stream" },
    body: random.pick([`data: ${SOUND}\n\ndata: [DONE]\n\n`, `data: ${SOUND}\n\n`, ": ping\n\n", "data: [DONE]\n\n"]),
  }),
  "a body that ends early": (random) => {
    const [length, text] = [
      String(SOUND.length + random.pick([1, 7, 1e6])),
      SOUND.slice(0, random.int(0, SOUND.length)),
    ];
    return random.pick<Behaviour>([
      { headers: { "content-length": length }, body: text || " ", ends: "broken off" },
      { body: text || " ", ends: "broken off" },
      "drop",
      "half",
    ]);
  },
  "a body that is packed": (random) => {
    const packed = gzipSync(random.pick([SOUND, "x".repeat(5e7)]));
    return {
      headers: { "content-encoding": random.pick(["gzip", "br", "deflate", "gzip, gzip"]) },
      body: random.pick<string | Buffer>([
        packed.subarray(0, packed.length / 2),
        "x",
        SOUND,
        Buffer.alloc(20, 255),
        gzipSync("x".repeat(5e7)),
      ]),
    };
  },
  "a body without end": (random) => ({
    ends: "never",
    body: random.pick([" ", "x", "[", '{"a":', "data: {}\n\n"]).repeat(1e4),
  }),
  "depth without end": (random) => {
    const deep = nested(random.pick([1e4, 1e6]));
    return {
      body: random.pick([
        deep,
        deep.slice(0, deep.length / 2),
        `{"error":${deep}}`,
        `{"error":{"message":${deep}}}`,
        `{"choices":${deep}}`,
        `{"choices":[{"message":{"content":${deep}}}]}`,
        `{"choices":[{"message":{"content":"","refusal":${deep}}}]}`,
      ]),
    };
  },
  "content without end": (random) => {
    const many = random.pick([1e4, 1e5, 3e6]);
    return said(
      random.pick<unknown>([
        `{"score":${" ".repeat(many)}`,
        `{"score":${" ".repeat(many)}x}`,
        `{${" ".repeat(many)}`,
        `{"score"${" ".repeat(many)}`,
        `{"score":${"1".repeat(many)}}`,
        "{score:".repeat(many / 100),
        "{".repeat(many),
        "é ".repeat(many),
        Array.from({ length: many / 100 }, () => ({ type: "text", text: "{score: 1}" })),
      ]),
    );
  },
  "a redirect": (random) => ({
    status: random.pick([300, 301, 302, 303, 307, 308]),
    headers: random.pick([
      {},
      ...["/v1/chat/completions", "/elsewhere", "http://127.0.0.1:9/", "file:///etc/passwd", "//[", ""].map(
        (location) => ({ location }),
      ),
    ]),
    body: random.pick(["", SOUND, "moved"]),
  }),
  "a status of failure": (random) => ({
    status: random.pick([
      400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 425, 429, 431, 451, 500, 502, 503, 504, 529, 599, 999,
    ]),
    headers: random.pick([
      {},
      ...["-1", "NaN", "1e308", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"].map((at) => ({ "retry-after": at })),
    ]),
    body: random.pick<unknown>([
      "",
      SOUND,
      { error: { message: `bad key ${KEY}` } },
      { error: other(random) },
      "<html>",
      `${KEY}`.repeat(1e5),
    ]),
  }),
  "a status without a body": (random) => ({ status: random.pick([201, 202, 204, 205, 206, 304]), body: "" }),
  silence: () => "slow",
};

const SETTINGS = `name: openai
openai:
  base_url: SERVICE/v1
  key_env: ${KEY_ENV}
  cache: cache
  timeout: 1.5
  patience: 0.001
`;
const ANSWERS = ["first", "second", "third"];
const LINES = ANSWERS.map((id) => JSON.stringify({ id, question: `Which is ${id}?`, answer: id, response: id }));

/** Which questions are answered so: all, also the one that proves the service; those that follow it; one answer's. */
const ASKED: Record<string, (request: Received, n: number) => boolean> = {
  always: () => true,
  "from the second question on": (_, n) => n > 0,
  "to all answers": ({ text }) => /Which is/.test(text),
  "to one answer": ({ text }) => /Which is second/.test(text),
};

/** Is what was written right: a verdict where the service gave one, and elsewhere none, with the reason? */
function isRight(path: string, isSpoiled: (id: string) => boolean): boolean {
  const rows = readFileSync(path, "utf8").trimEnd().split("\n");
  const lines = rows.map((row) => JSON.parse(row) as { id: string; score: number | null; reason?: string });
  return (
    lines.length === ANSWERS.length &&
    lines.every(({ id, score, reason }) =>
      isSpoiled(id) ? score === null && /\S/.test(reason ?? "") && reason!.length < 600 : score === 1,
    )
  );
}

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const reply = FAULTS[name]!(random);
  const when = random.pick(Object.keys(ASKED));
  let n = 0;
  return {
    name: `${name}, ${when}`,
    files: { "answers.jsonl": `${LINES.join("\n")}\n`, "judge.yaml": SETTINGS },
    command: ["judge", "--data", "DIR/answers.jsonl", "--out", "DIR/out.jsonl", "--judge", "DIR/judge.yaml"],
    // Where no answer could be scored, the file has the reasons.
    names: when === "always" ? ["The judge"] : ["out.jsonl"],
    service: (request) => (ASKED[when]!(request, n++) ? reply : "judge"),
    // Answers may stay without a score, and a service that stays out stops the work; nothing is written then.
    accepts: (code, dir) => {
      const out = join(dir, "out.jsonl");
      if (code === 0) return isRight(out, (id) => when !== "to one answer" || id === "second");
      return code === 130 && when === "from the second question on" && !existsSync(out);
    },
    ...(when === "always" && { out: "out.jsonl" }),
  };
};
export default generate;
