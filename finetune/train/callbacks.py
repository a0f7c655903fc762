"""What happens at each step of a training: metrics and progress are told, samples taken, a stop obeyed, NaN refused."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from finetune.data.examples import Example
from finetune.evaluate.generation import generate_answers, prompt_ids
from finetune.run.metrics import append_metrics
from finetune.run.runs import Run
from finetune.train.launch import any_of, is_first
from workbench.errors import InvalidInput
from workbench.messages import say

TOLD_EVERY = 0.5  # seconds between two progress lines
SAMPLE_TOKENS = 64


class Reporter(TrainerCallback):
    """Writes metrics.jsonl, tells progress, and stops the training when asked to."""

    def __init__(
        self, run: Run, report: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]
    ) -> None:
        self.run, self.report, self.stopped = run, report, stopped
        self.begun, self.first_step, self.told, self.stopping = 0.0, 0, 0.0, False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.begun, self.first_step = time.monotonic(), state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.stopping = any_of(self.stopped())
        if self.stopping:
            control.should_save = control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.stopping:
            control.should_evaluate = control.should_save = (
                False  # it is saved, and nobody waits for a measurement
            )

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **more: Any
    ) -> None:
        logs = logs or {}
        if "train_runtime" in logs:
            return
        row = {"step": state.global_step, "epoch": round(state.epoch or 0, 4)}
        row |= {
            key: logs[key]
            for key in ("loss", "eval_loss", "learning_rate", "grad_norm")
            if key in logs
        }
        if is_first():
            append_metrics(self.run.metrics, row)
        if not math.isfinite(row.get("loss", 0.0)):
            raise InvalidInput(
                say(
                    "The loss is {loss} at step {global_step}: the training has diverged.",
                    loss=row["loss"],
                    global_step=state.global_step,
                ),
                "Lower training.learning_rate or training.clip, raise training.warmup, or set precision to bf16 or fp32; "
                "the last checkpoint is kept.",
            )
        self._tell(state, row | {"tokens": logs.get("num_tokens", 0)})

    def _tell(self, state: Any, row: dict[str, Any]) -> None:
        now, last = time.monotonic(), state.global_step >= state.max_steps
        if now - self.told < TOLD_EVERY and not last and "eval_loss" not in row:
            return
        self.told = now
        seconds, steps = now - self.begun, state.global_step - self.first_step
        tokens = row.pop("tokens")
        left = seconds / steps * (state.max_steps - state.global_step) if steps else 0.0
        self.report(
            {
                "event": "progress",
                "stage": "Training",
                "steps": state.max_steps,
                "done": state.global_step,
                "of": state.max_steps,
                **row,
            }
            | {"seconds": round(seconds, 1), "left": round(left, 1)}
            | ({"tokens_per_second": round(tokens / seconds)} if tokens and seconds else {})
        )


class Sampler(TrainerCallback):
    """Answers a few questions each time the model is saved, so that one sees what it says by now."""

    def __init__(
        self, run: Run, examples: Sequence[Example], tokenizer: Any, report: Callable[[dict], None]
    ) -> None:
        self.run, self.examples, self.tokenizer, self.report = run, examples, tokenizer, report
        self.prompts = [prompt_ids(example, tokenizer) for example in examples]

    def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        if not self.examples:
            return
        learning = model.training
        model.eval()
        answers = dict(generate_answers(model, self.tokenizer, self.prompts, SAMPLE_TOKENS))
        model.train(learning)
        for number, example in enumerate(self.examples):
            row = {
                "step": state.global_step,
                "question": example.questions[-1],
                "answer": answers[number],
            }
            append_metrics(self.run.folder / "samples.jsonl", row | {"reference": example.answer})
            self.report({"event": "sample", **row})
