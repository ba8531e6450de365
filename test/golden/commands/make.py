"""What transformers computes for lines as `grit score` and `grit generate` read them: image, question, completion.

Uses the checkpoints of ../qwen2_5_vl and the environment that its README names:

    OMP_NUM_THREADS=1 python test/golden/commands/make.py

Writes commands.json: by line the log-probabilities of the completion's tokens and the greedy answer, both with the
placeholder ids masked. The user turn is the image, then "\\nQuestion: " and the question (method `direct`).
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1] / "export"), str(HERE.parent), str(HERE.parent / "qwen2_5_vl")]
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
from transformers import AutoImageProcessor, AutoProcessor, Qwen2_5_VLForConditionalGeneration  # noqa: E402

from checkpoints import MASKED  # noqa: E402
from lines import GREEDY, IMAGES, LINES  # noqa: E402
from shared import extended, synthetic  # noqa: E402

CHECKPOINTS = ["tied", "released"]
MIN_LEAD = 1e-3  # a greedy choice closer than this could turn on rounding


def measure(name: str) -> list[dict]:
    folder = HERE.parent / "qwen2_5_vl" / "checkpoints" / name
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    proc = AutoProcessor.from_pretrained(folder)
    proc.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    masked = torch.tensor(proc.tokenizer.convert_tokens_to_ids(MASKED))
    ends = proc.tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])

    def log_softmax(inputs: dict) -> torch.Tensor:
        return model(**inputs).logits[0].index_fill(-1, masked, float("-inf")).log_softmax(-1)

    records = []
    for image, question, completion in LINES:
        content = [{"type": "image"}, {"type": "text", "text": f"\nQuestion: {question}"}]
        text = proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = dict(proc(text=[text], images=[synthetic(*IMAGES[image])], return_tensors="pt"))
        ids = proc.tokenizer(completion).input_ids
        rows = log_softmax(extended(inputs, ids))[-len(ids) - 1 : -1]
        greedy = []
        while len(greedy) < GREEDY and (not greedy or greedy[-1] not in ends):
            best = log_softmax(extended(inputs, greedy))[-1].topk(2)
            assert best.values[0] - best.values[1] > MIN_LEAD, (name, question, len(greedy))
            greedy.append(best.indices[0].item())
        records.append(
            {
                "checkpoint": name,
                "image": image,
                "question": question,
                "completion": completion,
                "ids": ids,
                "logprobs": [float(f"{rows[i, id].item():.8g}") for i, id in enumerate(ids)],
                "greedy_ids": greedy,
                "greedy_text": proc.tokenizer.decode(greedy, skip_special_tokens=True),
                "frame": [size * 14 for size in inputs["image_grid_thw"][0].tolist()[:0:-1]],
            }
        )
    return records


torch.set_num_threads(1)
with torch.no_grad():
    records = [record for name in CHECKPOINTS for record in measure(name)]
lines = ",\n".join(f" {json.dumps(record, ensure_ascii=False)}" for record in records)
(HERE / "commands.json").write_text(f"[\n{lines}\n]\n")
