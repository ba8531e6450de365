"""What bfloat16 costs transformers: the mean error of its log-probabilities against its own float32, by checkpoint.

    OMP_NUM_THREADS=1 python test/golden/bfloat16.py qwen2_5_vl
    OMP_NUM_THREADS=1 python test/golden/bfloat16.py internvl

Writes bfloat16.json into the family's folder. The log-softmax is in float32 on both sides, as trainers compute it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent / sys.argv[1]
sys.path.insert(0, str(HERE))
from make import FAMILY  # noqa: E402

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForImageTextToText  # noqa: E402

from checkpoints import MASKED, SPECS, build, processor, special_ids  # noqa: E402
from shared import extended, logprobs, masked  # noqa: E402


def completions(spec, dtype: torch.dtype) -> torch.Tensor:
    """Log-probabilities of all completions' tokens, end to end."""
    recorded = json.loads((HERE / "expected" / f"{spec.name}.json").read_text())
    # Loaded, not cast: a cast would round the rotary frequencies too.
    with TemporaryDirectory() as folder:
        build(spec, recorded["made_with"]["seed"]).save_pretrained(folder)
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype).eval()
    ids, proc = special_ids(spec), processor(spec)
    values = []
    for _, images, question, answer in FAMILY.prompts:
        inputs = FAMILY.inputs_of(spec, proc, images, question)
        completion = proc.tokenizer(answer).input_ids + [ids["<|im_end|>"]]
        with torch.no_grad():
            logits = model(**extended(inputs, completion)).logits[0].float()
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
