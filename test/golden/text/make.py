"""Records what transformers makes of texts, ids and conversations.

usage: tsx tools/make-tokenizer.ts test/golden/text/corpus.txt test/golden/text/checkpoint --max-vocab 700 --max-pixels 16000
       python make.py             (needs numpy, pillow, transformers; writes text.json beside itself)
"""
import json, pathlib, random

try:
    import tvshim  # noqa: F401  (only where torchvision is built for another device)
except ImportError:
    pass
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer

HERE = pathlib.Path(__file__).parent
IMAGES = HERE.parent / "images" / "files"
tokenizer = AutoTokenizer.from_pretrained(HERE / "checkpoint")
processor = AutoProcessor.from_pretrained(HERE / "checkpoint")
rng = random.Random(5)

# A second template, with the features that released ones use: namespace, set, filters, loop variables, trimming.
COUNTING = """{% set ns = namespace(images=0) -%}
{% for m in messages -%}
    {% if loop.first and m.role != "system" -%}
        {{ "<|im_start|>system\\nHelpful.<|im_end|>\\n" }}
    {%- endif %}
    {{- "<|im_start|>" ~ m["role"] ~ "\\n" }}
    {%- if m.content is string %}{{ m.content | trim }}{% else %}
        {%- for c in m.content %}
            {%- if c.type == "image" %}
                {%- set ns.images = ns.images + 1 %}
                {{- "Picture " ~ ns.images ~ ": <|vision_start|><|image_pad|><|vision_end|>" }}
            {%- elif "text" in c %}{{ c.text }}{% endif %}
        {%- endfor %}
    {%- endif %}
    {{- "<|im_end|>" }}
{% endfor %}
{%- if add_generation_prompt %}
    {{- "<|im_start|>assistant\\n" }}
{% endif %}
"""

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939),
           (0xE01, 0xE2E), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2460, 0x249B), (0x3041, 0x3096), (0x4E00, 0x4E80), (0xAC00, 0xAC40),
           (0xFF10, 0xFF5E), (0x1F600, 0x1F64F), (0x1D400, 0x1D433)]


def fuzz():
    out = ""
    for _ in range(rng.randrange(1, 12)):
        low, high = rng.choice(SCRIPTS + [(0x20, 0x7E)] * 8)
        out += "".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(1, 5)))
        out += rng.choice(["", "", " ", "  ", "\n", "\r\n", "\t", " \n ", "'s", "'LL", "12", "<think>", "<|im_end|>", "</answer>"])
    return out


TEXTS = [
    " ", "\n", "\n\n", "a", " a", "It's 12,345.67 isn't it?", "Don't DON'T don’t", "[142, 314, 299, 447]", "(0,209,488,364)", "x\n\n\ny  z \n w",
    "caf\u00e9 cafe\u0301 \ufb01", "\ufeffbom", "ſ 'ſ K 'S", "日本語と한국어", "👩‍👩‍👧‍👦 🇫🇷", "<|im_start|>user\nhi<|im_end|>\n", "<|im_start|", "<think> a </think><answer>\n5\n</answer>",
    "How many red circles are there?", "\u0000\u0001\u007f", "\u2028\u2029\u0085\u00a0 x", "Ⅷ ² ½ ٣",
] + [fuzz() for _ in range(80)]


def turn(role, *parts):
    return {"role": role, "content": parts[0] if len(parts) == 1 and isinstance(parts[0], str) else list(parts)}


IMAGE, WORDS = {"type": "image"}, {"type": "text", "text": "\nQuestion: How many?  Say it.\n"}
CONVERSATIONS = [
    [turn("user", "How many?")],
    [turn("user", WORDS)],
    [turn("user", IMAGE, WORDS)],
    [turn("user", IMAGE, IMAGE, WORDS, IMAGE)],
    [turn("system", "Be brief."), turn("user", IMAGE, WORDS), turn("assistant", " Two.\n"), turn("user", "Sure?")],
    [turn("user", ""), turn("assistant", "")],
]


def rendered(template):
    return [[tokenizer.apply_chat_template(c, chat_template=template, tokenize=False, add_generation_prompt=g) for g in (False, True)] for c in CONVERSATIONS]


def prompts():
    out = []
    for names in [["rgb-64x48.png"], ["jpeg-420.jpg", "rgb-28x56-as-is.png"], []]:
        text = "\nQuestion: How many red circles are there? 12"
        conversation = [turn("user", *[IMAGE] * len(names), {"type": "text", "text": text})]
        chat = processor.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
        images = [Image.open(IMAGES / name).convert("RGB") for name in names]
        encoded = processor(text=[chat], images=images or None, return_tensors="np")
        out.append({"images": names, "text": text, "ids": encoded["input_ids"][0].tolist()})
    return out


def decodings():
    slices = [[rng.randrange(len(tokenizer)) for _ in range(rng.randrange(0, 12))] for _ in range(80)]
    slices += [tokenizer(text)["input_ids"][cut:] for cut, text in zip([1, 2, 3] * 9, TEXTS[14:40])]
    slices.append([5, len(tokenizer) + 3, 6])
    return [{"ids": ids, "plain": tokenizer.decode(ids, skip_special_tokens=True), "all": tokenizer.decode(ids)} for ids in slices]


json.dump(
    {
        "texts": [{"text": text, "ids": tokenizer(text)["input_ids"]} for text in TEXTS],
        "decodings": decodings(),
        "conversations": CONVERSATIONS,
        "rendered": rendered(None),
        "counting_template": COUNTING,
        "counting_rendered": rendered(COUNTING),
        "prompts": prompts(),
        "vocab_size": len(tokenizer),
    },
    open(HERE / "text.json", "w"),
)
