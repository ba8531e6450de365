"""A LoRA adapter made by PEFT on a small checkpoint, and the numbers that PEFT computes with it.

    OMP_NUM_THREADS=1 python test/golden/lora/make.py          needs peft beside what ../qwen2_5_vl/make.py needs

Writes, beside this file:
    adapter/        as PEFT saves it; its base is named by a path from the repository's root
    expected.json   log-probabilities of the recorded completions with the adapter; norm and evenly spaced entries of the
                    gradient of every matrix, of the mean negative log-probability over all of them; and which modules
                    PEFT adapts for some `target_modules`
"""

import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "qwen2_5_vl"))
from make import FAMILY  # noqa: E402

import peft  # noqa: E402
import torch  # noqa: E402

from checkpoints import MASKED, SPECS, processor, special_ids  # noqa: E402
from shared import SAMPLES, extended, logprobs, loss_of, masked, round8  # noqa: E402

SPEC = next(spec for spec in SPECS if spec.name == "released")
BASE = f"test/golden/qwen2_5_vl/checkpoints/{SPEC.name}"
PREFIX = "base_model.model."
# Language model, vision tower and connector; attention and feed-forward.
ADAPTED = ["q_proj", "down_proj", "attn.qkv", "merger.mlp.0"]
TARGETS = [
    "all-linear",
    ["q_proj", "v_proj"],
    ["mlp.up_proj"],
    ["model.language_model.layers.1.self_attn.o_proj", "qkv"],
    r".*language_model.*\.(q|k)_proj",
    r"model\.visual\..*(qkv|mlp\.[02])",
]


def base():
    folder = HERE.parents[2] / BASE
    return FAMILY.model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def chosen(target_modules) -> list[str]:
    """The linear layers that PEFT adapts, in the model's order."""
    model = peft.get_peft_model(base(), peft.LoraConfig(r=1, target_modules=target_modules)).base_model.model
    return [name for name, module in model.named_modules() if isinstance(module, peft.tuners.lora.Linear)]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    config = peft.LoraConfig(r=3, lora_alpha=5, lora_dropout=0.1, target_modules=ADAPTED, init_lora_weights=False)
    model = peft.get_peft_model(base(), config).eval()
    shutil.rmtree(HERE / "adapter", ignore_errors=True)
    model.save_pretrained(HERE / "adapter")
    (HERE / "adapter" / "README.md").unlink()
    path = HERE / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": BASE}, indent=1) + "\n")

    ids, proc = special_ids(SPEC), processor(SPEC)
    masked_ids = [ids[token] for token in MASKED]
    items = [
        {"inputs": FAMILY.inputs_of(SPEC, proc, images, question), "completion_ids": proc.tokenizer(answer).input_ids + [ids["<|im_end|>"]]}
        for _, images, question, answer in FAMILY.prompts
    ]
    values = []
    for item in items:
        with torch.no_grad():
            logits = model(**extended(item["inputs"], item["completion_ids"])).logits[0]
        values.append(round8(logprobs(masked(logits, masked_ids), item["completion_ids"]).tolist()))
    loss = loss_of(model, items, masked_ids)
    loss.backward()
    gradients = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        grad = parameter.grad.double().flatten()
        at = torch.arange(SAMPLES) * grad.numel() // SAMPLES
        key = name.removeprefix(PREFIX).replace(".default", "")
        gradients[key] = {"norm": round8(grad.norm().item()), "samples": round8(grad[at].tolist())}
    expected = {
        "made_with": {"peft": peft.__version__, "torch": torch.__version__},
        "base": BASE,
        "logprobs": {name: row for (name, *_), row in zip(FAMILY.prompts, values, strict=True)},
        "loss": round8(loss.item()),
        "gradients": gradients,
        "targets": [{"target_modules": target, "modules": chosen(target)} for target in TARGETS],
    }
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"{len(gradients)} matrices, loss {loss.item():.4f}")


main()
