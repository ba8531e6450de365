/** @file Chat templates: loops without end, errors, and words that are lost on the way. */
import type { Random } from "../../../src/util/random.ts";
import { opening } from "../checkpoint.ts";
import type { Generator } from "../hostile.ts";

const LAYOUTS = ["qwen2_5_vl/tied", "qwen2_5_vl/released", "internvl/tied", "internvl/original"] as const;

const IMAGE =
  "{% for part in messages[0].content %}{% if part.type == 'image' %}<|image_pad|><IMG_CONTEXT>{% endif %}{% endfor %}";
const TEXT = "{% for part in messages[0].content %}{{ part.text }}{% endfor %}";

const FAULTS: Record<string, (random: Random) => string> = {
  "a loop without end": (random) => {
    const n = random.pick(["1000000000", "10 ** 9", "99999999"]);
    return random.pick([
      `{% for i in range(${n}) %}{% endfor %}`,
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
      `{% for i in range(99999) %}{% for j in range(99999) %}${TEXT}{% endfor %}{% endfor %}`,
    ]);
  },
  "text without end": (random) => {
    const rounds = random.pick([25, 28, 40, 60]);
    return `${IMAGE}${TEXT}{% set ns = namespace(s='ab') %}{% for i in range(${rounds}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}`;
  },
  "a list without end": (random) =>
    `{% set ns = namespace(l=[1, 2]) %}{% for i in range(${random.int(28, 60)}) %}{% set ns.l = ns.l + ns.l %}{% endfor %}${IMAGE}${TEXT}{{ ns.l }}`,
  "a macro that calls itself": () => "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
  "an error of its own": (random) =>
    random.pick([
      "{{ raise_exception('Only text is supported!') }}",
      "{{ raise_exception('two\\nlines') }}",
      "{% if messages[0].role == 'user' %}{{ raise_exception() }}{% endif %}",
    ]),
  "what is not there": (random) =>
    random.pick([
      "{{ tools.names() }}",
      "{{ messages | nothing }}",
      "{{ messages[0].content.strip() }}",
      "{{ messages[0].content + 'a' }}",
      "{{ messages[0]['content'] | length | items }}",
      "{{ ''.__class__.__mro__[1].__subclasses__() }}",
      "{{ constructor.constructor('return process')().exit(0) }}",
      "{% include 'config.json' %}",
      "{% import '/etc/passwd' as p %}",
    ]),
  "no template": (random) =>
    random.pick([
      "{% if %}",
      "{{",
      "{% for x in %}",
      "{% endfor %}",
      "{{ 'a }}",
      "{% set = 3 %}",
      "{% if a %}",
      `${"{% if a %}".repeat(5e4)}`,
      `{{ ${"(".repeat(5e4)} }}`,
    ]),
  "no question": (random) =>
    random.pick([
      "",
      IMAGE,
      `${IMAGE}Describe the image.`,
      `${IMAGE}{{ messages[0].content[1].text[:9] }}`,
      `${IMAGE}{{ messages[0].content[1].text | upper }}`,
    ]),
  "a question that is changed": (random) =>
    IMAGE + TEXT.replace("part.text", `part.text | replace('${random.pick(["Q", "e", "0", "!", " "])}', '')`),
  "no image": () => TEXT,
  "two images": () => IMAGE + IMAGE + TEXT,
};

/** The template in each place that a folder may keep it. */
const generate: Generator = (random) => {
  const layout = random.pick(LAYOUTS);
  const name = random.pick([...Object.keys(FAULTS), "another form", "no JSON", "bytes that are no text"]);
  const file = random.pick(["chat_template.jinja", "chat_template.json"]);
  const isJinja = file.endsWith(".jinja");
  const files = (own: string | Uint8Array) => ({
    "chat_template.jinja": null,
    "chat_template.json": null,
    [file]: own,
  });
  if (name === "bytes that are no text")
    return opening(random, layout, { name, files: files(Buffer.from([0x7b, 0xff, 0xc0, 0x80])), names: [file] });
  if (name === "another form" || name === "no JSON") {
    const json = {
      "chat_template.jinja": null,
      "chat_template.json": random.pick(
        name === "no JSON"
          ? ["{", "[]", "x"]
          : [
              ...[
                '{"chat_template": 7}',
                '{"chat_template": []}',
                '{"chat_template": {}}',
                '{"chat_template": [{"name": "default"}]}',
              ],
              ...[
                '{"chat_template": [null]}',
                '{"chat_template": [{"name": "tool_use", "template": "a"}]}',
                '{"chat_template": true}',
              ],
            ],
      ),
    };
    return opening(random, layout, { name, files: json, names: ["chat_template.json"] });
  }
  const source = FAULTS[name]!(random);
  return opening(random, layout, {
    name,
    files: files(isJinja ? source : JSON.stringify({ chat_template: source })),
    names: [file],
  });
};
export default generate;
