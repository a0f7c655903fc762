"""A trained model -> its files in the run folder, whole, however the processes share it."""

from __future__ import annotations

from typing import Any

from finetune.parallel import holds_all_weights
from finetune.run.config import RunConfig
from finetune.run.runs import Run
from finetune.train.device import dtype_of
from finetune.train.processes import is_first
from workbench.files import writing


def save_trained(run: Run, config: RunConfig, trainer: Any) -> None:
    """Adapter or whole model, with its tokenizer; an old one stays until the new one is whole.

    Every process calls it: where each has a part of the weights, they are put together first.
    """
    weights = _gather(config, trainer)
    if not is_first():
        return
    if hasattr(trainer.model, "peft_config"):
        folder = run.adapter
        # an adapter that is the reference is not the run's own
        options: dict[str, Any] = {"save_embedding_layers": False, "selected_adapters": ["default"]}
    else:
        folder, options = run.model, {}
        kept_in = dtype_of(_precision(trainer.args))
        if weights is None:
            trainer.model.to(kept_in)
        else:
            weights = {name: tensor.to(kept_in) for name, tensor in weights.items()}
    if weights is not None:
        options["state_dict"] = weights
    with writing(folder) as part:
        trainer.model.save_pretrained(str(part), **options)
        trainer.processing_class.save_pretrained(str(part))


def _gather(config: RunConfig, trainer: Any) -> dict[str, Any] | None:
    """All weights of the model by name; None where this process holds them all anyway."""
    if holds_all_weights(config):
        return None
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not is_first():
        return None
    return without_copies(trainer.model, weights)


def without_copies(model: Any, weights: dict[str, Any]) -> dict[str, Any]:
    """Without a tied head: gathered, it is a copy of the embedding and would be saved as well."""
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    return {name: tensor for name, tensor in weights.items() if name not in tied}


def _precision(arguments: Any) -> str:
    """The precision of a whole model's weights in its files: that of the training's arithmetic."""
    if arguments.bf16:
        return "bf16"
    return "fp16" if arguments.fp16 else "fp32"
