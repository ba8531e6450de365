"""Makes the checkpoints and the numbers that transformers computes from them. See README.md for the formats.

    python make.py            all of them
    python make.py tied       one by name
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "export"), str(HERE.parent)]
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoImageProcessor, AutoProcessor, Qwen2_5_VLForConditionalGeneration  # noqa: E402

from checkpoints import MASKED, SPECS, Spec, build, processor, save, special_ids  # noqa: E402
from shared import (  # noqa: E402
    COLUMN_STEP,
    GREEDY,
    LAST,
    MIN_LEAD,
    MIN_VARIETY,
    Store,
    gradient_of,
    in_float64,
    greedy,
    logprobs,
    masked,
    round8,
    synthetic,
    write,
)

IMAGES = {"strip": (112, 28), "wide": (140, 84), "photo": (100, 75)}  # width, height; only `photo` is resized
PROMPTS = [
    ("text", [], "Where is the boat? 12 or 7", "<think> none </think>\n<answer> yes"),
    ("strip", ["strip"], "Question: what is left of it?", "<answer> the red kite"),
    ("wide", ["wide"], "Is the kite above the boat?", "<think> {'bbox_2d': [12, 30, 88, 57]} </think> <answer> no"),
    ("pair", ["wide", "photo"], "Which one? Café ☂", "<rethink> two people </rethink>\n<answer> right"),
]


def make_images() -> None:
    """pixel_values of each image, from the Pillow processor; the same for every checkpoint."""
    store, images = Store(), []
    for name, (width, height) in IMAGES.items():
        out = processor(SPECS[0]).image_processor(synthetic(width, height), return_tensors="pt")
        grid = out["image_grid_thw"][0].tolist()
        store.add(name, out["pixel_values"])
        images.append({"name": name, "width": width, "height": height, "frame": [grid[2] * 14, grid[1] * 14], "grid_thw": grid})
    write(HERE / "images.json", {"images": images}, store)


def prompt_text(proc, image_names: list[str], question: str) -> str:
    """The rendered chat, one <|image_pad|> an image: the processor repeats it, once a merged patch."""
    content = [{"type": "image"} for _ in image_names] + [{"type": "text", "text": question}]
    return proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)


def inputs_of(proc, image_names: list[str], question: str) -> dict:
    images = [synthetic(*IMAGES[name]) for name in image_names]
    return dict(proc(text=[prompt_text(proc, image_names, question)], images=images or None, return_tensors="pt"))


def extended(inputs: dict, ids: list[int]) -> dict:
    """The inputs with text tokens appended."""
    tail = torch.tensor([ids])
    pieces = {"input_ids": tail, "attention_mask": torch.ones_like(tail), "mm_token_type_ids": torch.zeros_like(tail)}
    return {**inputs, **{key: torch.cat([inputs[key], piece], dim=1) for key, piece in pieces.items()}}


def positions(model, inputs: dict) -> tuple[torch.Tensor, int]:
    """M-RoPE rows [3, tokens] (temporal, height, width) and the delta that decoding adds to the token count."""
    if "image_grid_thw" not in inputs:
        return torch.arange(inputs["input_ids"].shape[1]).expand(3, -1), 0
    rows, delta = model.model.get_rope_index(
        inputs["input_ids"], inputs["mm_token_type_ids"], inputs["image_grid_thw"], attention_mask=inputs["attention_mask"]
    )
    return rows[:, 0], delta.item()


def loss_of(model, items: list[dict], masked_ids: list[int]) -> torch.Tensor:
    """Mean negative log-probability over all completion tokens of all items, the masked ids left out."""
    values = []
    for item in items:
        logits = model(**extended(item["inputs"], item["completion_ids"])).logits[0]
        values.append(logprobs(masked(logits, masked_ids), item["completion_ids"]))
    return -torch.cat(values).mean()


def gradients(spec: Spec, model, items: list[dict], masked_ids: list[int]) -> dict:
    """What is recorded of every parameter's gradient."""
    model.zero_grad()
    with in_float64(model):
        loss = loss_of(model, items, masked_ids)
        loss.backward()
    parameters = {file_name(spec, name): gradient_of(p.grad) for name, p in model.named_parameters()}
    return {"prompts": [item["name"] for item in items], "loss": round8(loss.item()), "parameters": parameters}


def file_name(spec: Spec, name: str) -> str:
    """The parameter's name in the checkpoint's files."""
    if spec.names == "module":
        return name
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def check_reload(spec: Spec, model, folder: Path):
    """The folder, read back by transformers alone, gives the same parameters and the same processor output."""
    again, info = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for (name, ours), theirs in zip(model.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    proc = AutoProcessor.from_pretrained(folder)
    proc.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for _, images, question, _ in PROMPTS:
        ours, theirs = inputs_of(processor(spec), images, question), inputs_of(proc, images, question)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), (spec.name, question)
    return again.eval(), proc


def check_batch(model, proc, items: list[dict], masked_ids: list[int]) -> None:
    """Rows of unequal length, padded on the left, give what each row gives alone."""
    proc.tokenizer.padding_side = "left"
    texts = [prompt_text(proc, item["images"], item["question"]) for item in items]
    images = [synthetic(*IMAGES[name]) for item in items for name in item["images"]]
    batch = dict(proc(text=texts, images=images, padding=True, return_tensors="pt"))
    rows, _ = greedy(model, batch, masked_ids, proc.tokenizer.pad_token_id)
    assert rows == [item["greedy_ids"] for item in items], "a padded batch decodes differently"


def measure(spec: Spec, model, proc, store: Store) -> tuple[list[dict], list[dict]]:
    """Every number of one checkpoint: prompt records and gradient records."""
    ids = special_ids(spec)
    masked_ids = [ids[token] for token in MASKED]
    items, records = [], []
    for name, images, question, answer in PROMPTS:
        inputs = inputs_of(proc, images, question)
        completion = proc.tokenizer(answer).input_ids + [ids["<|im_end|>"]]
        whole = extended(inputs, completion)
        with torch.no_grad():
            out = model(**whole, output_hidden_states=True)
        logits = out.logits[0]
        rows, delta = positions(model, whole)
        (tokens,), lead = greedy(model, inputs, masked_ids, ids["<|endoftext|>"])
        with torch.no_grad():
            redone = masked(model(**extended(inputs, tokens)).logits[0], masked_ids)[-GREEDY - 1 : -1].argmax(-1)
        assert redone.tolist() == tokens, "cached and uncached decoding differ"
        store.add(f"{name}/logits", logits[:, ::COLUMN_STEP])
        store.add(f"{name}/last_logits", logits[-LAST:])
        store.add(f"{name}/logprobs", logprobs(masked(logits, masked_ids), completion))
        store.add(f"{name}/logprobs_unmasked", logprobs(logits, completion))
        if images:
            with torch.no_grad():
                features = model.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
            store.add(f"{name}/vision", torch.cat(tuple(features.pooler_output)))
        record = {
            "name": name,
            "images": images,
            "question": question,
            "input_ids": inputs["input_ids"][0].tolist(),
            "completion": answer,
            "completion_ids": completion,
            "image_grid_thw": inputs["image_grid_thw"].tolist() if images else [],
            "position_ids": rows.tolist(),
            "rope_delta": delta,
            "greedy_ids": tokens,
            "greedy_lead": round8(lead),
            "hidden_norms": round8([state.norm().item() for state in out.hidden_states]),
        }
        records.append(record)
        items.append({**record, "inputs": inputs})
    check_batch(model, proc, items, masked_ids)
    grads = [gradients(spec, model, items[-1:], masked_ids), gradients(spec, model, items, masked_ids)]
    return records, grads


def make(spec: Spec) -> None:
    """Writes checkpoints/<name>/ and expected/<name>.{json,bin}, with the first seed whose greedy text is clear and varied."""
    folder = HERE / "checkpoints" / spec.name
    for seed in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        model = build(spec, seed)
        save(spec, model, folder)
        model, proc = check_reload(spec, model, folder)
        store = Store()
        records, grads = measure(spec, model, proc, store)
        lead = min(record["greedy_lead"] for record in records)
        variety = min(len(set(record["greedy_ids"])) for record in records)
        if lead > MIN_LEAD and variety >= MIN_VARIETY:
            break
    ids = special_ids(spec)
    write(
        HERE / "expected" / f"{spec.name}.json",
        {
            "checkpoint": spec.name,
            "made_with": {"transformers": transformers.__version__, "torch": torch.__version__, "seed": seed},
            "layout": {"config": spec.config, "names": spec.names, "dtype": spec.dtype, "tied": spec.tied},
            "masked_ids": [ids[token] for token in MASKED],
            "column_step": COLUMN_STEP,
            "prompts": records,
            "gradients": grads,
        },
        store,
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{spec.name}: seed {seed}, {size / 1024:.0f} KiB, expected {len(store.bytes) / 1024:.0f} KiB, lead {lead:.4f}, variety {variety}", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    make_images()
    for spec in SPECS:
        if not wanted or spec.name in wanted:
            make(spec)


if __name__ == "__main__":
    main()
