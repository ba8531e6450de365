"""Makes the checkpoints and the numbers that transformers computes from them. See README.md for the formats.

    python make.py            all of them
    python make.py tied       one by name
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "export"), str(HERE.parent)]
import tvshim  # noqa: E402, F401

import PIL  # noqa: E402
import torch  # noqa: E402
from transformers import InternVLForConditionalGeneration  # noqa: E402

from checkpoints import SYSTEM, Spec, by_file_name  # noqa: E402
from family import Family, main  # noqa: E402
from shared import synthetic  # noqa: E402

IMAGES = {"strip": (112, 28), "wide": (140, 84), "small": (27, 24), "tall": (30, 95)}  # width, height


def prompt_text(spec: Spec, proc, image_names: list[str], question: str) -> str:
    """The rendered chat, one <IMG_CONTEXT> an image: the processor frames it and repeats it for every token of every tile."""
    if spec.layout == "original":
        content = "<IMG_CONTEXT>\n" * len(image_names) + question
        turns = [("system", SYSTEM), ("user", content)]
        return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"
    content = [{"type": "image"} for _ in image_names] + [{"type": "text", "text": question}]
    return proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)


class InternVL(Family):
    folder = HERE
    model_class = InternVLForConditionalGeneration
    prompts = [
        ("text", [], "Where is the boat? 12 or 7", "<think> none </think>\n<answer> yes"),
        ("strip", ["strip"], "Question: what is left of it?", "<answer> the red kite"),
        ("wide", ["wide"], "Is the kite above the boat?", "<think> {'bbox_2d': [12, 30, 88, 57]} </think> <answer> no"),
        ("pair", ["small", "tall"], "Which one? Café ☂", "<rethink> two people </rethink>\n<answer> right"),
    ]

    def inputs_of(self, spec: Spec, proc, image_names: list[str], question: str) -> dict:
        images = [synthetic(*IMAGES[name]) for name in image_names]
        made = proc(text=[prompt_text(spec, proc, image_names, question)], images=images or None, return_tensors="pt")
        return {key: made[key] for key in ("input_ids", "attention_mask", "pixel_values") if key in made}

    def by_file_name(self, spec: Spec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return by_file_name(spec, tensors)

    def vision(self, model, inputs: dict) -> torch.Tensor:
        return model.model.get_image_features(inputs["pixel_values"]).pooler_output.flatten(0, 1)

    def geometry(self, spec: Spec, model, proc, image_names: list[str], whole: dict) -> dict:
        side, images = spec.tile // spec.patch, proc.image_processor
        tiles = [images.get_number_of_image_patches(*IMAGES[name][::-1], {"crop_to_patches": True}) for name in image_names]
        assert sum(tiles) == len(whole.get("pixel_values", []))
        return {
            "image_grid_thw": [[count, side, side] for count in tiles],
            "position_ids": [list(range(whole["input_ids"].shape[1]))],
        }

    def layout(self, spec: Spec) -> dict:
        return {"names": spec.layout, "dtype": spec.dtype, "tied": spec.tied}

    def header(self) -> dict:
        return {"image_sizes": IMAGES}

    def reads(self, spec: Spec) -> bool:
        return spec.layout != "original"


FAMILY = InternVL()

if __name__ == "__main__":
    assert PIL.__version__.startswith("12."), f"Pillow {PIL.__version__} resizes some shapes in another order; take 12"
    main(FAMILY)
