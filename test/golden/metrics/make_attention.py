"""How much of transformers' attention falls on the image where each token of a completion is chosen, into attention.json.

Takes the lines of ../commands/commands.json and the environment that ../qwen2_5_vl/README.md names:

    OMP_NUM_THREADS=1 python test/golden/metrics/make_attention.py

By line: the weights of the eager attention, summed over the image's tokens and averaged over the heads, as [layer][token].
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1] / "export"), str(HERE.parent)]
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
from transformers import AutoImageProcessor, AutoProcessor, Qwen2_5_VLForConditionalGeneration  # noqa: E402

from shared import extended, synthetic  # noqa: E402

SIZES = {"wide": (140, 84), "photo": (100, 75)}


def shares(line: dict) -> list[list[float]]:
    folder = HERE.parent / "qwen2_5_vl" / "checkpoints" / line["checkpoint"]
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    proc = AutoProcessor.from_pretrained(folder)
    proc.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    content = [{"type": "image"}, {"type": "text", "text": f"\nQuestion: {line['question']}"}]
    text = proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = dict(proc(text=[text], images=[synthetic(*SIZES[line["image"]])], return_tensors="pt"))
    prompt = inputs["input_ids"].shape[1]
    inputs = extended(inputs, line["ids"])
    image = (inputs["input_ids"][0] == model.config.image_token_id).nonzero()[:, 0]
    attentions = model(**inputs, output_attentions=True).attentions
    rows = [layer[0, :, prompt - 1 : -1][:, :, image].sum(-1).mean(0) for layer in attentions]
    return [[float(f"{share:.8g}") for share in row.tolist()] for row in rows]


torch.set_num_threads(1)
with torch.no_grad():
    records = [shares(line) for line in json.loads((HERE.parent / "commands" / "commands.json").read_text())]
(HERE / "attention.json").write_text("[\n" + ",\n".join(f" {json.dumps(record)}" for record in records) + "\n]\n")
