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

import PIL  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoImageProcessor, AutoProcessor, InternVLForConditionalGeneration  # noqa: E402

from checkpoints import MASKED, SPECS, SYSTEM, Spec, build, by_file_name, processor, save, special_ids  # noqa: E402
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

IMAGES = {"strip": (112, 28), "wide": (140, 84), "small": (27, 24), "tall": (30, 95)}  # width, height
PROMPTS = [
    ("text", [], "Where is the boat? 12 or 7", "<think> none </think>\n<answer> yes"),
    ("strip", ["strip"], "Question: what is left of it?", "<answer> the red kite"),
    ("wide", ["wide"], "Is the kite above the boat?", "<think> {'bbox_2d': [12, 30, 88, 57]} </think> <answer> no"),
    ("pair", ["small", "tall"], "Which one? Café ☂", "<rethink> two people </rethink>\n<answer> right"),
]


def prompt_text(spec: Spec, proc, image_names: list[str], question: str) -> str:
    """The rendered chat, one <IMG_CONTEXT> an image: the processor frames it and repeats it for every token of every tile."""
    if spec.layout == "original":
        content = "<IMG_CONTEXT>\n" * len(image_names) + question
        turns = [("system", SYSTEM), ("user", content)]
        return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"
    content = [{"type": "image"} for _ in image_names] + [{"type": "text", "text": question}]
    return proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)


def inputs_of(spec: Spec, proc, image_names: list[str], question: str) -> dict:
    images = [synthetic(*IMAGES[name]) for name in image_names]
    made = proc(text=[prompt_text(spec, proc, image_names, question)], images=images or None, return_tensors="pt")
    return {key: made[key] for key in ("input_ids", "attention_mask", "pixel_values") if key in made}


def tiles_of(spec: Spec, proc, image_names: list[str]) -> list[int]:
    return [proc.image_processor.get_number_of_image_patches(*IMAGES[name][::-1], {"crop_to_patches": True}) for name in image_names]


def extended(inputs: dict, ids: list[int]) -> dict:
    """The inputs with text tokens appended."""
    tail = torch.tensor([ids])
    pieces = {"input_ids": tail, "attention_mask": torch.ones_like(tail)}
    return {**inputs, **{key: torch.cat([inputs[key], piece], dim=1) for key, piece in pieces.items()}}


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
    grads = by_file_name(spec, {name: p.grad for name, p in model.named_parameters()})
    parameters = {name: gradient_of(grad) for name, grad in grads.items()}
    return {"prompts": [item["name"] for item in items], "loss": round8(loss.item()), "parameters": parameters}


def check_reload(spec: Spec, model, folder: Path):
    """An -hf folder, read back by transformers alone, gives the same parameters and the same processor output."""
    if spec.layout == "original":
        return model, processor(spec)
    again, info = InternVLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for (name, ours), theirs in zip(model.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    proc = AutoProcessor.from_pretrained(folder)
    proc.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for _, images, question, _ in PROMPTS:
        ours, theirs = inputs_of(spec, processor(spec), images, question), inputs_of(spec, proc, images, question)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), (spec.name, question)
    return again.eval(), proc


def measure(spec: Spec, model, proc, store: Store) -> tuple[list[dict], list[dict]]:
    """Every number of one checkpoint: prompt records and gradient records."""
    ids = special_ids(spec)
    masked_ids = [ids[token] for token in MASKED]
    side = spec.tile // spec.patch
    items, records = [], []
    for name, images, question, answer in PROMPTS:
        inputs = inputs_of(spec, proc, images, question)
        completion = proc.tokenizer(answer).input_ids + [ids["<|im_end|>"]]
        whole = extended(inputs, completion)
        with torch.no_grad():
            out = model(**whole, output_hidden_states=True)
        logits = out.logits[0]
        (tokens,), lead = greedy(model, inputs, masked_ids, ids["<|endoftext|>"])
        with torch.no_grad():
            redone = masked(model(**extended(inputs, tokens)).logits[0], masked_ids)[-GREEDY - 1 : -1].argmax(-1)
        assert redone.tolist() == tokens, "cached and uncached decoding differ"
        store.add(f"{name}/logits", logits[:, ::COLUMN_STEP])
        store.add(f"{name}/last_logits", logits[-LAST:])
        store.add(f"{name}/logprobs", logprobs(masked(logits, masked_ids), completion))
        if images:
            with torch.no_grad():
                features = model.model.get_image_features(inputs["pixel_values"]).pooler_output
            store.add(f"{name}/vision", features.flatten(0, 1))
        record = {
            "name": name,
            "images": images,
            "question": question,
            "input_ids": inputs["input_ids"][0].tolist(),
            "completion": answer,
            "completion_ids": completion,
            "image_grid_thw": [[tiles, side, side] for tiles in tiles_of(spec, proc, images)],
            "position_ids": [list(range(whole["input_ids"].shape[1]))],
            "greedy_ids": tokens,
            "greedy_lead": round8(lead),
        }
        assert sum(grid[0] for grid in record["image_grid_thw"]) == len(inputs.get("pixel_values", []))
        records.append(record)
        items.append({**record, "inputs": inputs})
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
            "layout": {"names": spec.layout, "dtype": spec.dtype, "tied": spec.tied},
            "image_sizes": IMAGES,
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
    assert PIL.__version__.startswith("12."), f"Pillow {PIL.__version__} resizes some shapes in another order; take 12"
    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    for spec in SPECS:
        if not wanted or spec.name in wanted:
            make(spec)


if __name__ == "__main__":
    main()
