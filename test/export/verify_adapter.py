"""Does PEFT compute from an adapter folder what we computed, and is the merged export the same? Exit code 0: yes, 1: no.

    python test/export/verify_adapter.py BASE_DIR ADAPTER_DIR MERGED_DIR LOGITS.json [--tolerance 1e-4]

LOGITS.json is that of verify.py, computed with the adapter. Four things are asked of the folders, with the largest
difference of each printed: our logits are those of the base under the adapter as PEFT loads it; they are not those of the
base alone; our merged tensors are those that PEFT merges; and the merged folder, loaded by transformers alone, gives the
same logits again. Needs torch, transformers, pillow and peft.
"""

import argparse
import json
import sys
from pathlib import Path

from verify import difference, load

import peft
import torch
from safetensors.torch import load_file


def under_adapter(base: str, adapter: str):
    """The base with the adapter; raises when PEFT, which says nothing of it, has not taken exactly the stored tensors."""
    model = peft.PeftModel.from_pretrained(load(base)[0], adapter).eval()
    stored, taken = load_file(Path(adapter) / "adapter_model.safetensors"), peft.get_peft_model_state_dict(model)
    lost = [name for name in stored.keys() | taken.keys() if name not in stored or name not in taken]
    if lost or not all(torch.equal(stored[name], taken[name]) for name in stored):
        raise ValueError(f"PEFT has not taken the adapter's tensors as they are: {sorted(lost)[:5]}")
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare an adapter and its merged export with PEFT.")
    parser.add_argument("base_dir")
    parser.add_argument("adapter_dir")
    parser.add_argument("merged_dir")
    parser.add_argument("logits", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    prompts = json.loads(options.logits.read_text())["prompts"]
    if not prompts:
        raise ValueError(f"{options.logits}: no prompts, nothing would be compared")

    def worst(model) -> float:
        return max(difference(model, prompt, options.logits.parent) for prompt in prompts)

    alone = worst(load(options.base_dir)[0])
    adapted = under_adapter(options.base_dir, options.adapter_dir)
    applied = worst(adapted)
    wanted = dict(adapted.merge_and_unload().named_parameters())
    ours, _ = load(options.merged_dir)
    tensors = max((tensor - wanted[name]).abs().max().item() for name, tensor in ours.named_parameters())
    merged = worst(ours)
    print(f"the base alone: max difference {alone:.3g}")
    print(f"merged export, by tensor: max difference {tensors:.3g}")
    print(f"merged export, by logits: max difference {merged:.3g}")
    print(f"under the adapter: max difference {applied:.3g} over {len(prompts)} prompts, tolerance {options.tolerance:g}")
    return 0 if max(applied, merged, tensors) <= options.tolerance < alone else 1


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
