"""The numbers that transformers computes from a model family's checkpoints. What is particular to a family is its `Family`.

A family's make.py gives its own and calls `main`; `checkpoints` is the module of that name beside it.
"""

import shutil
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoImageProcessor, AutoProcessor

from checkpoints import MASKED, SPECS, Spec, build, processor, save, special_ids
from shared import (
    COLUMN_STEP,
    GREEDY,
    LAST,
    MIN_LEAD,
    MIN_VARIETY,
    Store,
    extended,
    gradient_of,
    greedy,
    in_float64,
    logprobs,
    loss_of,
    masked,
    round8,
    write,
)


class Family:
    """How a family is asked, and what is recorded of it beside what all share."""

    folder: Path
    model_class: type
    # Name, names of the images, question, completion.
    prompts: list[tuple[str, list[str], str, str]]

    def inputs_of(self, spec: Spec, proc, image_names: list[str], question: str) -> dict:
        """What the model takes for a question about some images."""
        raise NotImplementedError

    def by_file_name(self, spec: Spec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The model's tensors named as in the checkpoint's files."""
        raise NotImplementedError

    def vision(self, model, inputs: dict) -> torch.Tensor:
        """The features of all images, [tokens, hidden]."""
        raise NotImplementedError

    def geometry(self, spec: Spec, model, proc, image_names: list[str], whole: dict) -> dict:
        """Grids of the images and positions of prompt and completion."""
        raise NotImplementedError

    def layout(self, spec: Spec) -> dict:
        """How the folder is laid out."""
        raise NotImplementedError

    def header(self) -> dict:
        """What else stands at the head of each file."""
        return {}

    def more(self, out) -> dict:
        """What else is recorded of a prompt."""
        return {}

    def store_more(self, store: Store, name: str, logits: torch.Tensor, completion: list[int]) -> None:
        """What else is stored of a prompt."""

    def reads(self, spec: Spec) -> bool:
        """Whether transformers reads the folder by itself."""
        return True

    def check_batch(self, spec: Spec, model, proc, items: list[dict], masked_ids: list[int]) -> None:
        """Whether a batch gives what its rows give alone."""


def gradients(family: Family, spec: Spec, model, items: list[dict], masked_ids: list[int]) -> dict:
    """What is recorded of every parameter's gradient."""
    model.zero_grad()
    with in_float64(model):
        loss = loss_of(model, items, masked_ids)
        loss.backward()
    grads = family.by_file_name(spec, {name: p.grad for name, p in model.named_parameters()})
    parameters = {name: gradient_of(grad) for name, grad in grads.items()}
    return {"prompts": [item["name"] for item in items], "loss": round8(loss.item()), "parameters": parameters}


def check_reload(family: Family, spec: Spec, model, folder: Path):
    """The folder, read back by transformers alone, gives the same parameters and the same processor output."""
    if not family.reads(spec):
        return model, processor(spec)
    again, info = family.model_class.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for (name, ours), theirs in zip(model.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    proc = AutoProcessor.from_pretrained(folder)
    proc.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for _, images, question, _ in family.prompts:
        ours = family.inputs_of(spec, processor(spec), images, question)
        theirs = family.inputs_of(spec, proc, images, question)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), (spec.name, question)
    return again.eval(), proc


def measure(family: Family, spec: Spec, model, proc, store: Store) -> tuple[list[dict], list[dict]]:
    """Every number of one checkpoint: prompt records and gradient records."""
    ids = special_ids(spec)
    masked_ids = [ids[token] for token in MASKED]
    items, records = [], []
    for name, images, question, answer in family.prompts:
        inputs = family.inputs_of(spec, proc, images, question)
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
        family.store_more(store, name, logits, completion)
        if images:
            with torch.no_grad():
                store.add(f"{name}/vision", family.vision(model, inputs))
        record = {
            "name": name,
            "images": images,
            "question": question,
            "input_ids": inputs["input_ids"][0].tolist(),
            "completion": answer,
            "completion_ids": completion,
            **family.geometry(spec, model, proc, images, whole),
            "greedy_ids": tokens,
            "greedy_lead": round8(lead),
            **family.more(out),
        }
        records.append(record)
        items.append({**record, "inputs": inputs})
    family.check_batch(spec, model, proc, items, masked_ids)
    grads = [gradients(family, spec, model, items[-1:], masked_ids), gradients(family, spec, model, items, masked_ids)]
    return records, grads


def make(family: Family, spec: Spec) -> None:
    """Writes checkpoints/<name>/ and expected/<name>.{json,bin}, with the first seed whose greedy text is clear and varied."""
    folder = family.folder / "checkpoints" / spec.name
    for seed in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        model = build(spec, seed)
        save(spec, model, folder)
        model, proc = check_reload(family, spec, model, folder)
        store = Store()
        records, grads = measure(family, spec, model, proc, store)
        lead = min(record["greedy_lead"] for record in records)
        variety = min(len(set(record["greedy_ids"])) for record in records)
        if lead > MIN_LEAD and variety >= MIN_VARIETY:
            break
    ids = special_ids(spec)
    write(
        family.folder / "expected" / f"{spec.name}.json",
        {
            "checkpoint": spec.name,
            "made_with": {"transformers": transformers.__version__, "torch": torch.__version__, "seed": seed},
            "layout": family.layout(spec),
            **family.header(),
            "masked_ids": [ids[token] for token in MASKED],
            "column_step": COLUMN_STEP,
            "prompts": records,
            "gradients": grads,
        },
        store,
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{spec.name}: seed {seed}, {size / 1024:.0f} KiB, expected {len(store.bytes) / 1024:.0f} KiB, lead {lead:.4f}, variety {variety}", flush=True)


def main(family: Family) -> None:
    """Makes the checkpoints that the command line names, or all."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    for spec in SPECS:
        if not wanted or spec.name in wanted:
            make(family, spec)
