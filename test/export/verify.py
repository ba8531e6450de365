"""Does transformers compute from an exported folder what we computed? Exit code 0: yes, 1: no.

    python test/export/verify.py MODEL_DIR LOGITS.json [--tolerance 1e-4]

LOGITS.json holds what we computed, in float32. Its arrays are files of raw little-endian float32 beside it:

    {"prompts": [{
      "name": "one image",                 optional, for the report
      "input_ids": [1, 2, …],              image placeholders expanded
      "image_grid_thw": [[1, 6, 10]],      one row an image; empty or absent for text. InternVL: tiles, patches of a side
      "pixel_values": "pixels-0.bin",      [patches, values] of all images in order; absent for text
      "positions": [40, 41],               the tokens whose logits were kept
      "logits": "logits-0.bin",            [positions, vocabulary]
      "messages": [{"role": …}, …]         optional: the chat; must render and tokenize to input_ids
    }]}

A folder of InternVL is one of the -hf layouts: the original's would need its remote code. The folder must load from local files alone, with no tensor missing or left over, and its tokenizer, chat template and
image processor must load as one processor. Needs torch, transformers and pillow.
"""

import argparse
import json
import sys
from pathlib import Path

import tvshim  # noqa: F401
import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor


def read(path: Path, width: int) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(path, "<f4").reshape(-1, width))


def load(folder: str):
    """The model in float32 and its processor; raises when a tensor is missing, unexpected or of another shape."""
    model, info = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    faults = {kind: sorted(map(str, found)) for kind, found in info.items() if found}
    if faults:
        raise ValueError(f"tensors do not fit the config: {faults}")
    return model.eval(), AutoProcessor.from_pretrained(folder, local_files_only=True)


def rendered(model, processor, prompt: dict) -> list[int]:
    """Token ids of the prompt's messages, each image placeholder repeated once a merged patch, and framed by InternVL."""
    internvl = model.config.model_type == "internvl"
    merged = model.config.downsample_ratio**-2 if internvl else processor.image_processor.merge_size**2
    before, after = (processor.start_image_token, processor.end_image_token) if internvl else ("", "")
    pieces = processor.apply_chat_template(prompt["messages"], add_generation_prompt=True).split(processor.image_token)
    text = pieces[0]
    for piece, (t, h, w) in zip(pieces[1:], prompt["image_grid_thw"], strict=True):
        text += before + processor.image_token * round(t * h * w / merged) + after + piece
    return processor.tokenizer(text).input_ids


def images_of(model, prompt: dict, base: Path) -> dict:
    """The prompt's images as the model's forward takes them."""
    if not prompt.get("image_grid_thw"):
        return {}
    vision, path, grid = model.config.vision_config, base / prompt["pixel_values"], prompt["image_grid_thw"]
    if model.config.model_type != "internvl":
        pixels = read(path, vision.in_channels * vision.temporal_patch_size * vision.patch_size**2)
        return {"pixel_values": pixels, "image_grid_thw": torch.tensor(grid)}
    # Ours are patches [tile, row, column, channel, y, x]; theirs whole tiles [tile, channel, height, width].
    side, channels = vision.patch_size[0], vision.num_channels
    tiles, rows, columns = sum(tiles for tiles, _, _ in grid), *grid[0][1:]
    patches = read(path, channels * side**2).reshape(tiles, rows, columns, channels, side, side)
    pixels = patches.permute(0, 3, 1, 4, 2, 5).reshape(tiles, channels, rows * side, columns * side)
    return {"pixel_values": pixels}


def difference(model, prompt: dict, base: Path) -> float:
    """Largest absolute difference between our logits and theirs at the kept positions."""
    ids = torch.tensor([prompt["input_ids"]])
    inputs = {"input_ids": ids, **images_of(model, prompt, base)}
    if model.config.model_type != "internvl":
        # Without mm_token_type_ids transformers 5 gives image tokens the positions of text.
        inputs["mm_token_type_ids"] = (ids == model.config.image_token_id).int()
    with torch.no_grad():
        theirs = model(**inputs).logits[0]
    ours = read(base / prompt["logits"], theirs.shape[-1])
    theirs = theirs[prompt["positions"]]
    if ours.shape != theirs.shape:
        raise ValueError(f"logits have shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}")
    return torch.nan_to_num((ours - theirs).abs(), nan=float("inf")).max().item()


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare an exported folder with transformers.")
    parser.add_argument("model_dir")
    parser.add_argument("logits", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    prompts = json.loads(options.logits.read_text())["prompts"]
    if not prompts:
        raise ValueError(f"{options.logits}: no prompts, nothing would be compared")
    model, processor = load(options.model_dir)
    worst = 0.0
    for i, prompt in enumerate(prompts):
        name = prompt.get("name", f"prompt {i}")
        if "messages" in prompt and rendered(model, processor, prompt) != prompt["input_ids"]:
            print(f"{name}: transformers renders or tokenizes the chat differently")
            return 1
        apart = difference(model, prompt, options.logits.parent)
        print(f"{name}: max difference {apart:.3g}")
        worst = max(worst, apart)
    print(f"max difference {worst:.3g} over {len(prompts)} prompts, tolerance {options.tolerance:g}")
    return 0 if worst <= options.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
