"""Parquet files as pyarrow (and so Hugging Face's datasets) writes them, for src/data/read and src/data/import.

    python test/golden/parquet/make.py        # needs pyarrow and pillow

rows-*.parquet: forty rows in six row groups with pages so small that each column breaks into pages at other rows and lists
are cut by page ends; the test computes the values anew. The others: made-up rows with the columns of the benchmark named.
"""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HERE = Path(__file__).parent


def value(i):
    choices = None if i % 4 == 0 else [] if i % 4 == 1 else [f"choice {i}-{j}" for j in range(i % 5 + 1)]
    image = None if i % 6 == 0 else {"bytes": None if i % 6 == 1 else bytes([i]) * (i * 3), "path": f"{i}.png"}
    return {"index": i, "question": f"Wörter {i % 3}", "choices": choices, "image": image, "score": i / 4, "flag": i % 2 == 0}


SCHEMA = pa.schema(
    {
        "index": pa.int64(),
        "question": pa.string(),
        "choices": pa.list_(pa.string()),
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "score": pa.float64(),
        "flag": pa.bool_(),
    }
)


def write_rows(name, **options):
    table = pa.Table.from_pylist([value(i) for i in range(40)], SCHEMA)
    pq.write_table(table, HERE / f"rows-{name}.parquet", row_group_size=7, data_page_size=40, write_batch_size=3, **options)


def png(colour, size=(8, 6)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def image(colour, size=(8, 6)):
    return {"bytes": png(colour, size), "path": None}


def write(name, rows, **types):
    image_type = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.Table.from_pylist(rows, pa.schema({key: types.get(key, image_type) for key in rows[0]}))
    pq.write_table(table, HERE / f"{name}.parquet")


write_rows("snappy")
write_rows("zstd-v2", compression="zstd", data_page_version="2.0")
write_rows("plain", compression="none", use_dictionary=False)

S, L = pa.string(), pa.list_(pa.string())

write(
    "mathvista",
    [
        {
            "pid": "7", "question": "How long is it?", "image": "images/7.jpg", "decoded_image": image("red"),
            "choices": ["4", "6"], "unit": None, "precision": None, "answer": "6", "question_type": "multi_choice",
            "answer_type": "text", "query": "Hint: option letter.\nQuestion: How long is it?\nChoices:\n(A) 4\n(B) 6",
            "metadata": {"split": "testmini", "skills": ["geometry", "counting"]},
        },
        {
            "pid": "8", "question": "How many dots?", "image": "images/8.jpg", "decoded_image": image("blue"),
            "choices": None, "unit": None, "precision": 1.0, "answer": "1.5", "question_type": "free_form",
            "answer_type": "float", "query": "Hint: one decimal.\nQuestion: How many dots?",
            "metadata": {"split": "test", "skills": []},
        },
    ],
    pid=S, question=S, image=S, choices=L, unit=S, precision=pa.float64(), answer=S, question_type=S, answer_type=S, query=S,
    metadata=pa.struct({"split": S, "skills": L}),
)
write(
    "blink",
    [
        {
            "idx": f"val_Visual_Similarity_{n}", "question": "Which is closer?", "sub_task": "Visual_Similarity",
            "image_1": image("red"), "image_2": second, "image_3": None, "image_4": None, "choices": ["the first", "the second"],
            "answer": "(B)", "prompt": "Which is closer?\n(A) the first\n(B) the second",
        }
        for n, second in [(1, image("blue", (4, 10))), (2, None)]
    ],
    idx=S, question=S, sub_task=S, choices=L, answer=S, prompt=S,
)
write(
    "mmstar",
    [
        {
            "index": 3, "question": "What is it?\nOptions: A: a cup, B: a cat, on a mat, C: two", "image": png("green"),
            "answer": "B", "category": "coarse perception", "l2_category": "image scene and topic", "meta_info": {"source": "MMBench"},
        }
    ],
    index=pa.int64(), question=S, image=pa.binary(), answer=S, category=S, l2_category=S, meta_info=pa.struct({"source": S}),
)
write(
    "realworldqa",
    [{"image": image("white"), "question": "Which way?\n\nA. Left\nB. Right\nOnly the letter.", "answer": "A"}],
    question=S, answer=S,
)
write(
    "pope",
    [
        {"id": str(n), "question_id": "1", "question": f"Is there a {thing} in the image?", "answer": answer,
         "image_source": "COCO_val2014_1", "image": image("black"), "category": category}
        for n, (thing, answer, category) in enumerate([("dog", "yes", "random"), ("fork", "no", "adversarial")])
    ],
    id=S, question_id=S, question=S, answer=S, image_source=S, category=S,
)
write(
    "mme",
    [
        {"question_id": f"{category}/1.jpg", "image": image("yellow"), "question": f"Are there two dogs? Please answer yes or no.",
         "answer": answer, "category": category}
        for category, answer in [("count", "Yes"), ("count", "No"), ("OCR", "Yes")]
    ],
    question_id=S, question=S, answer=S, category=S,
)
F, I = pa.list_(pa.float32()), pa.int64()
write(
    "refcoco-lmms",
    [
        {
            "question_id": str(n), "image": image(colour, (64, 48)), "question": "Please describe the region in the box.",
            "answer": said, "segmentation": [1.0, 2.0, 3.0, 2.0, 3.0, 4.0], "bbox": box, "iscrowd": 0,
            "file_name": f"COCO_train2014_{n:012}_0.jpg",
        }
        for n, colour, said, box in [
            (469306, "red", ["man on the left", "the left guy"], [4.5, 8.0, 20.0, 30.25]),
            (1719310, "blue", ["cup"], [0.0, 0.0, 64.0, 48.0]),
        ]
    ],
    question_id=S, question=S, answer=L, segmentation=F, bbox=F, iscrowd=pa.int8(), file_name=S,
)
sentence = pa.struct({"raw": S, "sent": S, "sent_id": I, "tokens": L})
write(
    "refcoco-jxu124",
    [
        {
            "sent_ids": [0, 1], "file_name": "COCO_train2014_000000000001_7.jpg", "ann_id": 7, "ref_id": n, "image_id": 1,
            "split": split, "category_id": 1, "raw_anns": "{\"bbox\": [4.5, 8.0, 20.0, 30.25]}", "bbox": [4.5, 8.0, 24.5, 38.25],
            "sentences": [{"raw": t.title(), "sent": t, "sent_id": i, "tokens": t.split()} for i, t in enumerate(said)],
            "raw_sentences": "[]", "image_path": "coco/train2014/COCO_train2014_000000000001.jpg", "captions": said,
        }
        for n, split, said in [(0, "testA", ["man on the left", "left guy"]), (1, "testB", ["left guy"])]
    ],
    sent_ids=pa.list_(I), file_name=S, ann_id=I, ref_id=I, image_id=I, split=S, sentences=pa.list_(sentence), category_id=I,
    raw_anns=S, raw_sentences=S, image_path=S, bbox=pa.list_(pa.float64()), captions=L,
)
