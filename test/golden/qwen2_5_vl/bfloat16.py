"""What bfloat16 costs transformers: the mean error of its log-probabilities against its own float32, by checkpoint.

    OMP_NUM_THREADS=1 python test/golden/qwen2_5_vl/bfloat16.py

Writes bfloat16.json beside this file. The log-softmax is in float32 on both sides, as trainers compute it.
"""

import json

import torch
from make import HERE, PROMPTS, extended, inputs_of, logprobs, masked, transformers
from checkpoints import MASKED, SPECS, processor, special_ids
from transformers import Qwen2_5_VLForConditionalGeneration


def completions(spec, dtype: torch.dtype) -> torch.Tensor:
    """Log-probabilities of all completions' tokens, end to end."""
    folder = HERE / "checkpoints" / spec.name
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
    ids, proc = special_ids(spec), processor(spec)
    values = []
    for _, images, question, answer in PROMPTS:
        completion = proc.tokenizer(answer).input_ids + [ids["<|im_end|>"]]
        inputs = extended(inputs_of(proc, images, question), completion)
        with torch.no_grad():
            logits = model(**inputs).logits[0].float()
        values.append(logprobs(masked(logits, [ids[token] for token in MASKED]), completion))
    return torch.cat(values)


def main() -> None:
    torch.set_num_threads(1)
    errors = {}
    for spec in SPECS:
        gap = (completions(spec, torch.bfloat16) - completions(spec, torch.float32)).abs()
        errors[spec.name] = float(f"{gap.mean().item():.6g}")
        print(f"{spec.name}: mean {gap.mean():.5f}, max {gap.max():.5f} over {len(gap)} tokens", flush=True)
    record = {"made_with": {"transformers": transformers.__version__, "torch": torch.__version__}, "mean_error": errors}
    (HERE / "bfloat16.json").write_text(json.dumps(record, indent=1) + "\n")


main()
