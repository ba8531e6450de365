"""Records what independent libraries give for the metrics of src/eval, into cases.json.

Unions and intersections are shapely's, one-to-one matchings SciPy's optimal assignment, precision, recall and F1
scikit-learn's, BLEU-1 is NLTK's. Chains are read by the paper's box pattern with Python's own `re`.

    python test/golden/metrics/make.py    # shapely 2.2.0, scipy 1.17.1, scikit-learn 1.9.1, nltk 3.10.4
"""

import json
import random
import re
import warnings
from pathlib import Path

import numpy as np
from nltk.translate.bleu_score import sentence_bleu
from scipy.optimize import linear_sum_assignment
from shapely.geometry import box as rectangle
from shapely.ops import unary_union
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

BOX = re.compile(r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b")
rng = random.Random(20250521)


def union(boxes):
    """Boxes whose corners are out of order cover nothing here, where shapely would turn them round."""
    return unary_union([rectangle(*b) for b in boxes if b[0] < b[2] and b[1] < b[3]])


def union_iou(pred, truth):
    p, t = union(pred), union(truth)
    either = p.union(t).area
    return p.intersection(t).area / either if either else 0.0


def set_f1(pred, truth, threshold=0.5):
    """Matched pairs are true positives, left-over predictions false positives, left-over truths false negatives."""
    fits = np.array([[union_iou([p], [t]) >= threshold for t in truth] for p in pred]).reshape(len(pred), len(truth))
    rows, columns = linear_sum_assignment(fits, maximize=True)
    hits = int(fits[rows, columns].sum())
    said = [1] * hits + [1] * (len(pred) - hits) + [0] * (len(truth) - hits)
    true = [1] * hits + [0] * (len(pred) - hits) + [1] * (len(truth) - hits)
    return f1_score(true, said) if true else 1.0  # two empty sets agree


def random_box(width, height):
    x, y = sorted(rng.sample(range(width + 1), 2)), sorted(rng.sample(range(height + 1), 2))
    return [x[0], y[0], x[1], y[1]]


def near(b, width, height, reach=6):
    """The box with its corners moved a little, so that overlaps on either side of the threshold are common."""
    moved = [v + rng.randint(-reach, reach) for v in b]
    held = [min(max(v, 0), limit) for v, limit in zip(moved, [width, height] * 2)]
    return held if held[0] < held[2] and held[1] < held[3] else b


def box_sets(count):
    for i in range(count):
        truth = [random_box(40, 30) for _ in range(rng.randint(0, 4))]
        truth += [near(b, 40, 30, 4) for b in truth[:2]]  # crowded, so that one box fits several
        pred = [near(rng.choice(truth), 40, 30, 3) if truth and rng.random() < 0.7 else random_box(40, 30) for _ in range(rng.randint(0, 6))]
        if i % 4 == 0:  # fractions, as rescaling makes them
            pred = [[v * 1.27 for v in b] for b in pred]
        yield {"pred": pred, "truth": truth, "iou": union_iou(pred, truth), "f1": set_f1(pred, truth)}


def written(b):
    separator = rng.choice([", ", ",", ",  ", ",\n"])
    return rng.choice(["({})", "[{}]", '{{"bbox_2d": [{}], "label": "cat"}}', "{}"]).format(separator.join(map(str, b)))


def detection(boxes, truth):
    """Mean over the thresholds 0.50 … 0.95 of 1/#boxes where any box reaches the true one."""
    best = max([union_iou([b], [truth]) for b in boxes], default=0)
    hits = [best >= (50 + 5 * i) / 100 for i in range(10)]
    return float(np.mean([hit / len(boxes) if hit else 0 for hit in hits]))


def chains(count):
    for i in range(count):
        space = rng.choice(["frame", "permille"])
        width, height = rng.randint(100, 1000), rng.randint(100, 1000)
        frame = [28 * rng.randint(2, 20), 28 * rng.randint(2, 20)]
        extent = frame if space == "frame" else [1000, 1000]
        truth = [random_box(width, height) for _ in range(rng.randint(1, 3))]
        shrunk = [[round(v * e / s) for v, e, s in zip(t, extent * 2, [width, height] * 2)] for t in truth]
        said = [near(rng.choice(shrunk), *extent) if rng.random() < 0.8 else random_box(*extent) for _ in range(rng.randint(0, 4))]
        cut = rng.randint(0, len(said))
        text = f"<think> {' and '.join(map(written, said[:cut]))} </think><rethink> {' '.join(map(written, said[cut:]))} </rethink><answer> 2"
        boxes = [[int(n) for n in re.findall(r"\d+", m)] for m in BOX.findall(text)]
        scaled = [[v * s / e for v, e, s in zip(b, extent * 2, [width, height] * 2)] for b in boxes]
        raw = [[int(v) for v in b] for b in scaled] if space == "permille" else boxes
        yield {
            "text": text, "space": space, "image": [width, height], "frame": frame, "truth": truth,
            "rescaled": union_iou(scaled, truth), "raw": union_iou(raw, truth), "detection": detection(scaled, truth[0]),
        }  # fmt: skip


SAYINGS = ["Yes", "No", "yes", "no", "Yes.", "No.", "No, it is", "Yes, there is. Not a dog", "There is not", "It is there", "NO", "no!", "nope", "I see no dog", "Well. No", "true"]  # fmt: skip


def pope(text):
    """evaluate.py of POPE: the first sentence, commas out, words between single blanks."""
    words = text.split(".")[0].replace(",", "").split(" ")
    return int(not {"No", "not", "no"} & set(words))


def yes_no(count):
    for i in range(count):
        lean = rng.random()
        answers = [[rng.choice(["yes", "no"]), rng.choice(SAYINGS) if rng.random() < lean else "Yes"] for _ in range(rng.randint(1, 30))]
        true, said = [int(t == "yes") for t, _ in answers], [pope(s) for _, s in answers]
        yield {
            "answers": answers, "said": said,
            "accuracy": accuracy_score(true, said), "yesShare": said.count(1) / len(said),
            "precision": precision_score(true, said, zero_division=np.nan), "recall": recall_score(true, said, zero_division=np.nan),
            "f1": f1_score(true, said, zero_division=np.nan),
        }  # fmt: skip


WORDS = ["a", "the", "red", "cat", "two", "cats", "7", "table", "left"]


def bleu(count):
    for _ in range(count):
        given = [rng.choice(WORDS) for _ in range(rng.randint(0, 7))]
        reference = [rng.choice(WORDS) for _ in range(rng.randint(1, 6))]
        yield {"given": given, "reference": reference, "bleu": sentence_bleu([reference], given, weights=(1, 0, 0, 0))}


def finite(value):
    return None if isinstance(value, float) and np.isnan(value) else value


warnings.simplefilter("ignore")
groups = {"boxSets": box_sets(150), "chains": chains(120), "yesNo": yes_no(60), "bleu": bleu(100)}
lines = []
for name, cases in groups.items():
    rows = [json.dumps({key: finite(value) for key, value in case.items()}) for case in cases]
    lines.append(f' "{name}": [\n  ' + ",\n  ".join(rows) + "\n ]")
    print(name, len(rows))
Path(__file__).with_name("cases.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
