"""Seconds a GRPO step takes in TRL on a Qwen2.5-VL checkpoint: the peer that `grit`'s own step is measured against.

    python bench/trl/trl_step.py MODEL_DIR [--completions 16] [--tokens 64] [--steps 5]
                                 [--dtype float32|bfloat16] [--device cpu|cuda] [--threads 2]

One step samples `--completions` completions of exactly `--tokens` tokens, in groups of 4, for a question about a
168x168 picture, scores them under policy and reference, and takes one AdamW update with full fine-tuning. The first
step warms up and is not counted. Prints one line of JSON on stdout:

    {"median_step_s": …, "tokens_per_s": …, "steps": […], …}

Needs torch, transformers, trl, datasets and pillow.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "export"))
import tvshim  # noqa: E402, F401

import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from transformers import AutoTokenizer, TrainerCallback  # noqa: E402

GROUP = 4
SIDE = 168
QUESTION = (
    "Question: How many discs are in the picture? First write your thoughts between <think> and </think>, with the "
    "coordinates you need as JSON under the key 'bbox_2d'. Look again between <rethink> and </rethink>, then give the "
    "answer after <answer>."
)


def scene(seed: int) -> Image.Image:
    """Four discs on a grey ground."""
    draw_random = random.Random(seed)
    image = Image.new("RGB", (SIDE, SIDE), (draw_random.randrange(256),) * 3)
    pen = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = draw_random.randrange(SIDE - 28), draw_random.randrange(SIDE - 28)
        pen.ellipse([x, y, x + 25, y + 25], fill=(draw_random.randrange(256), draw_random.randrange(256), 0))
    return image


def special_ids(model_dir: str) -> list[int]:
    """Every special token, read from the tokenizer. Suppressed, for two reasons: a sampled image placeholder has no
    image behind it and stops TRL, and an end-of-sequence token would end a completion before its time."""
    added = AutoTokenizer.from_pretrained(model_dir).added_tokens_decoder
    return [token_id for token_id, token in added.items() if token.special]


def by_length(completions: list, **_: object) -> list[float]:
    """A reward that differs within a group, so that every step has a gradient."""
    return [float(len(str(completion)) % 7) for completion in completions]


class Clock(TrainerCallback):
    """Wall time of each step, generation included."""

    def __init__(self):
        self.steps: list[float] = []

    def on_step_begin(self, *_: object, **__: object) -> None:
        self.start = time.perf_counter()

    def on_step_end(self, *_: object, **__: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.steps.append(time.perf_counter() - self.start)


def run(options: argparse.Namespace) -> tuple[list[float], list[dict]]:
    rows = [
        {"prompt": [{"role": "user", "content": QUESTION}], "image": scene(seed)} for seed in range(options.completions)
    ]
    clock = Clock()
    with tempfile.TemporaryDirectory() as output:
        config = trl.GRPOConfig(
            output_dir=output,
            per_device_train_batch_size=options.completions,
            gradient_accumulation_steps=1,
            num_generations=GROUP,
            max_completion_length=options.tokens,
            max_steps=options.steps + 1,
            learning_rate=2e-6,
            beta=0.01,
            temperature=0.9,
            loss_type="grpo",
            bf16=options.dtype == "bfloat16",
            use_cpu=options.device == "cpu",
            model_init_kwargs={"dtype": options.dtype},
            generation_kwargs={"suppress_tokens": special_ids(options.model_dir)},
            gradient_checkpointing=False,
            disable_dropout=True,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = trl.GRPOTrainer(
            model=options.model_dir,
            reward_funcs=[by_length],
            args=config,
            train_dataset=Dataset.from_list(rows),
            callbacks=[clock],
        )
        trainer.train()
    return clock.steps[1:], trainer.state.log_history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir")
    parser.add_argument("--completions", type=int, default=16, help="a multiple of 4")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    with contextlib.redirect_stdout(sys.stderr):  # TRL prints its log there
        steps, log = run(options)
    lengths = [entry["completions/mean_length"] for entry in log if "completions/mean_length" in entry]
    if any(length != options.tokens for length in lengths):
        raise RuntimeError(f"completions were to be {options.tokens} tokens long, but were {lengths}")
    median = statistics.median(steps)
    print(
        json.dumps(
            {
                "median_step_s": round(median, 4),
                "tokens_per_s": round(options.completions * options.tokens / median, 1),
                "steps": [round(step, 4) for step in steps],
                "completions": options.completions,
                "tokens": options.tokens,
                "dtype": options.dtype,
                "device": options.device,
                "threads": options.threads,
                "versions": {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()
