"""Records what the reward functions of GRIT's released training code give on many texts, into cases.json.

The functions are stated anew here from their definitions (see src/rewards/preset.ts), on Python's own `re`, `str.split`
and NLTK's BLEU, with one departure: counting looks at each sample's own data set, and an answer that is no integer earns
no bonus. The answer term is left out, since a language model judges it.

    python test/golden/rewards/make.py        # needs nltk; recorded with Python 3.11, nltk 3.10.4
"""

import json
import random
import re
import warnings
from pathlib import Path

from nltk.translate.bleu_score import sentence_bleu

BOX = re.compile(r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b")
PAD = 151643


def tokens_of(text):
    return re.sub(r"[^a-zA-Z0-9\s]", " ", text).lower().split()


def bleu(text, answer):
    if "<answer>" not in text:
        return 0.0
    given = text[text.index("<answer>") + len("<answer>") :]
    return 0.1 * sentence_bleu([tokens_of(answer)], tokens_of(given), weights=(1, 0, 0, 0))


def answer_format(text):
    return 0.25 * ("<answer>" in text) + 0.25 * (text.count("<answer>") == 1)


def share_repeated(items, starts):
    """Share of the starts at which eight items are followed by the same eight."""
    hits = sum(items[s : s + 8] == items[s + 8 : s + 16] for s in starts)
    return hits / len(starts) if len(starts) else 0.0


def repetition(text, ids):
    words = text.split()
    ids = ids[: ids.index(PAD)] if PAD in ids else ids
    if len(words) < 8 or len(ids) < 16:
        return 0.5
    token_score = 1 - share_repeated(ids, range(len(ids) - 15))
    word_score = 1 - share_repeated(words, range(len(words) - 8))
    return 0.5 * (token_score - (1 - word_score))


def grounding(text, answer, dataset):
    head, tag, _ = text.partition("<rethink>")
    if not tag:
        return 0.0
    count = len(BOX.findall(head))
    score = 0.5 * (count > 0)
    if dataset == "tallyqa":
        try:
            score += 1.0 * (count == int(answer))
        except ValueError:
            pass
    return score


def think_format(text):
    points, rest = 0, text
    for tag in ("<think>", "</think>", "<rethink>", "</rethink>"):
        if tag in rest:
            points += 1
            rest = rest.rpartition(tag)[2]
    if points == 4:
        body = text.rpartition("<think>")[2].partition("</think>")[0].strip()
        if len(body) > 1 and len(re.sub(r"[^a-zA-Z0-9\s]", " ", body).split(" ")) > 1:
            points += 1
    return points / 5 * 0.5


LOOP = "the cat sits on the mat and looks "
PIECES = [
    "<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>", "<think>", "</think>", "<rethink>",
    "</rethink>", "<answer>", "12, 30, 45, 60", "(1,2,3,4)", "[10, 20, 30, 40]", "10.5, 2, 3, 4", "1,2,3,4,5,6,7,8",
    "-3, 4, 5, 6", "1, 2, 3, 4, 5", "x1,2,3,4", "1,2,3,4px", "１, ２, ３, ４", "١,٢,٣,٤", "𝟏,𝟐,𝟑,𝟒", "²,1,2,3", "1,2,3,4²",
    "é1,2,3,4", "1,2,3,4́", "1,\u00a02,\u30003,\x1c4", "1,\ufeff2,3,4", "1,\u200b2,3,4", "1,\x852,3,4", "1 ,2,3,4", "_1,2,3,4", "$1,2,3,4_",
    "一1,2,3,4", "1,2,3,4😀", "999999999999999999999,1,2,3", "1,\n2,\t3,\r\n4", " ", "\n", "\t", "\x1c", "\u3000", "\ufeff", "\x85", "\u2028",
    "yes", "No", "2", "two cats", "the", "a", "Answer", "K", "İ", "ß", "naïve", "snake_case", "😀", "don't", "3.14", LOOP, LOOP * 2, "la " * 9,
]  # fmt: skip
ANSWERS = ["yes", "No", "2", "0", "3", " 4 ", "２", "1_0", "-0", "+1", "two", "", "?", "the red car", "Don't", "naïve K", "2.0", "1_", "0x2"]
DATASETS = ["tallyqa", "vsr", "tallyqa", "gqa", "ovd_position", "tallyqa_val", "TallyQA"]


def fixed():
    chain = "<think> I see {} in the image. </think>\n<rethink> They are {}. </rethink>\n<answer>\n{}"
    boxes = ["10, 20, 110, 220", "(200, 168, 248, 202)", "[1,2,3,4]", '{"bbox_2d": [5, 6, 7, 8]}']
    for n in range(5):
        text = chain.format(" and ".join(boxes[:n]) or "nothing", n, n)
        yield text, list(range(40)), str(n), "tallyqa"
        yield text + "</answer>", list(range(40)), str(n), "tallyqa"
    yield chain.format(boxes[0], "left", "yes"), list(range(40)), "Yes", "vsr"
    yield "", [], "2", "tallyqa"
    yield "<rethink>r</rethink> <think>a b</think>", list(range(30)), "1", "vsr"
    yield chain.format(", ".join(boxes[:1] * 4), 4, 4), list(range(40)), "4", "tallyqa"
    for body in ["", "x", "ab", "a b", "a\nb", "a\u00a0b", "😀", "a.", " x ", "\x1cx\x1c", "\ufeffx", "ab\u3000cd", "é", "a😀", "<think>", "a<rethink>b"]:
        yield f"<think>{body}</think><rethink>r</rethink><answer>1", list(range(30)), "1", "vsr"
    for repeats, keep in [(1, 8), (2, 8), (2, 7), (3, 8), (6, 8), (2, 5)]:
        words = (LOOP.split() * repeats)[: 8 * (repeats - 1) + keep]
        for ids in [[], list(range(15)), list(range(16)), [1, 2, 3, 4, 5, 6, 7, 8] * 2, [1, 2, 3, 4, 5, 6, 7, 8] * 5, [7] * 40,
                    list(range(20)) + [PAD] + [1] * 20, [PAD] * 40, [3] * 20 + [PAD, 4]]:  # fmt: skip
            yield " ".join(words), ids, "1", "vsr"


def fuzzed(count, seed=20250521):
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(["", " "]).join(rng.choice(PIECES) for _ in range(rng.randint(0, 24)))
        ids = [rng.choice([1, 2, 3, PAD] if rng.random() < 0.02 else [1, 2, 3]) for _ in range(rng.randint(0, 8))]
        ids = ids * rng.randint(1, 6) + [rng.randint(0, 9) for _ in range(rng.randint(0, 12))]
        yield text, ids, rng.choice(ANSWERS), rng.choice(DATASETS)


def main():
    warnings.simplefilter("ignore")
    cases = []
    for text, ids, answer, dataset in [*fixed(), *fuzzed(500)]:
        terms = {
            "bleu": bleu(text, answer),
            "answer_format": answer_format(text),
            "repetition": repetition(text, ids),
            "grounding": grounding(text, answer, dataset),
            "think_format": think_format(text),
        }
        cases.append({"text": text, "ids": ids, "answer": answer, "dataset": dataset, "terms": terms})
    lines = ",\n".join(json.dumps(case) for case in cases)
    Path(__file__).with_name("cases.json").write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases;", {name: len({c["terms"][name] for c in cases}) for name in cases[0]["terms"]}, "distinct values")


main()
