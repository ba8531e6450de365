"""Makes the checkpoints and the numbers that transformers computes from them. See README.md for the formats.

    python make.py            all of them
    python make.py tied       one by name
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "export"), str(HERE.parent)]
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
from transformers import Qwen2_5_VLForConditionalGeneration  # noqa: E402

from checkpoints import SPECS, Spec, processor  # noqa: E402
from family import Family, main  # noqa: E402
from shared import Store, greedy, logprobs, round8, synthetic, write  # noqa: E402

IMAGES = {"strip": (112, 28), "wide": (140, 84), "photo": (100, 75)}  # width, height; only `photo` is resized


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


def positions(model, inputs: dict) -> tuple[torch.Tensor, int]:
    """M-RoPE rows [3, tokens] (temporal, height, width) and the delta that decoding adds to the token count."""
    if "image_grid_thw" not in inputs:
        return torch.arange(inputs["input_ids"].shape[1]).expand(3, -1), 0
    rows, delta = model.model.get_rope_index(
        inputs["input_ids"], inputs["mm_token_type_ids"], inputs["image_grid_thw"], attention_mask=inputs["attention_mask"]
    )
    return rows[:, 0], delta.item()


class QwenVL(Family):
    folder = HERE
    model_class = Qwen2_5_VLForConditionalGeneration
    prompts = [
        ("text", [], "Where is the boat? 12 or 7", "<think> none </think>\n<answer> yes"),
        ("strip", ["strip"], "Question: what is left of it?", "<answer> the red kite"),
        ("wide", ["wide"], "Is the kite above the boat?", "<think> {'bbox_2d': [12, 30, 88, 57]} </think> <answer> no"),
        ("pair", ["wide", "photo"], "Which one? Café ☂", "<rethink> two people </rethink>\n<answer> right"),
    ]

    def inputs_of(self, spec: Spec, proc, image_names: list[str], question: str) -> dict:
        images = [synthetic(*IMAGES[name]) for name in image_names]
        return dict(proc(text=[prompt_text(proc, image_names, question)], images=images or None, return_tensors="pt"))

    def by_file_name(self, spec: Spec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        if spec.names == "module":
            return tensors
        return {
            name.replace("model.visual.", "visual.").replace("model.language_model.", "model."): tensor
            for name, tensor in tensors.items()
        }

    def vision(self, model, inputs: dict) -> torch.Tensor:
        return torch.cat(tuple(model.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"]).pooler_output))

    def geometry(self, spec: Spec, model, proc, image_names: list[str], whole: dict) -> dict:
        rows, delta = positions(model, whole)
        grids = whole["image_grid_thw"].tolist() if image_names else []
        return {"image_grid_thw": grids, "position_ids": rows.tolist(), "rope_delta": delta}

    def layout(self, spec: Spec) -> dict:
        return {"config": spec.config, "names": spec.names, "dtype": spec.dtype, "tied": spec.tied}

    def more(self, out) -> dict:
        return {"hidden_norms": round8([state.norm().item() for state in out.hidden_states])}

    def store_more(self, store: Store, name: str, logits: torch.Tensor, completion: list[int]) -> None:
        store.add(f"{name}/logprobs_unmasked", logprobs(logits, completion))

    def check_batch(self, spec: Spec, model, proc, items: list[dict], masked_ids: list[int]) -> None:
        """Rows of unequal length, padded on the left, give what each row gives alone."""
        proc.tokenizer.padding_side = "left"
        texts = [prompt_text(proc, item["images"], item["question"]) for item in items]
        images = [synthetic(*IMAGES[name]) for item in items for name in item["images"]]
        batch = dict(proc(text=texts, images=images, padding=True, return_tensors="pt"))
        rows, _ = greedy(model, batch, masked_ids, proc.tokenizer.pad_token_id)
        assert rows == [item["greedy_ids"] for item in items], "a padded batch decodes differently"


FAMILY = QwenVL()

if __name__ == "__main__":
    make_images()
    main(FAMILY)
