"""What transformers computes for the lines of make.py with InternVL3 checkpoints: see there.

    OMP_NUM_THREADS=1 python test/golden/commands/internvl.py

Writes internvl.json. The environment and the checkpoints are those of ../internvl; the original's folder, which
transformers cannot read, is built again from its seed and compared with the file.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAMILY = HERE.parent / "internvl"
sys.path[:0] = [str(HERE.parents[1] / "export"), str(HERE.parent), str(FAMILY)]
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas  # noqa: E402

from checkpoints import MASKED, SPECS, Spec, build, by_file_name, processor, special_ids  # noqa: E402
from lines import GREEDY, IMAGES, LINES  # noqa: E402
from make import prompt_text  # noqa: E402
from shared import MIN_LEAD, extended, logprobs, masked, round8, synthetic  # noqa: E402

CHECKPOINTS = ["tied", "original"]


def measure(spec: Spec) -> list[dict]:
    recorded = json.loads((FAMILY / "expected" / f"{spec.name}.json").read_text())
    model = build(spec, recorded["made_with"]["seed"])
    stored = load_file(FAMILY / "checkpoints" / spec.name / "model.safetensors")
    for name, tensor in by_file_name(spec, dict(model.named_parameters())).items():
        assert torch.equal(tensor, stored[name].float()), name
    proc = processor(spec)
    ids = special_ids(spec)
    masked_ids = [ids[token] for token in MASKED]
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    records = []
    for image, question, completion in LINES:
        text = prompt_text(spec, proc, [image], f"\nQuestion: {question}")
        made = proc(text=[text], images=[synthetic(*IMAGES[image])], return_tensors="pt")
        inputs = {key: made[key] for key in ("input_ids", "attention_mask", "pixel_values")}
        given = proc.tokenizer(completion).input_ids
        values = logprobs(masked(model(**extended(inputs, given)).logits[0], masked_ids), given)
        greedy = []
        while len(greedy) < GREEDY and (not greedy or greedy[-1] not in ends):
            asked = extended(inputs, greedy) if greedy else inputs
            best = masked(model(**asked).logits[0], masked_ids)[-1].topk(2)
            assert best.values[0] - best.values[1] > MIN_LEAD, (spec.name, question, len(greedy))
            greedy.append(best.indices[0].item())
        width, height = IMAGES[image]
        columns, rows = get_optimal_tiled_canvas((height, width), (spec.tile, spec.tile), 1, spec.tiles)
        records.append(
            {
                "checkpoint": f"internvl/{spec.name}",
                "image": image,
                "question": question,
                "completion": completion,
                "ids": given,
                "logprobs": round8(values.tolist()),
                "greedy_ids": greedy,
                "greedy_text": proc.tokenizer.decode(greedy, skip_special_tokens=True),
                "frame": [columns * spec.tile, rows * spec.tile],
            }
        )
    return records


torch.set_num_threads(1)
with torch.no_grad():
    records = [record for spec in SPECS if spec.name in CHECKPOINTS for record in measure(spec)]
lines = ",\n".join(f" {json.dumps(record, ensure_ascii=False)}" for record in records)
(HERE / "internvl.json").write_text(f"[\n{lines}\n]\n")
