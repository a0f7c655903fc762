"""What methods ask of a trainer: whole checkpoints of a prompt's encoder, and wide trained weights.

PEFT saves what the positions before the text have become, a table of numbers. What makes them is
lost with that: the network of a projection cannot be had back from its results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FILE = "prompt_encoder.safetensors"


class TrainsAnyMethod:
    """For a trainer of TRL, before it in the list of bases."""

    model: Any
    state: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # TRL narrows adapters on a quantized base, and small steps would be lost in 16 bits
        for weight in self.model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)  # type: ignore[misc]
        encoder = encoder_of(self.model)
        if encoder is not None and output_dir:
            from safetensors.torch import save_file

            save_file(encoder.state_dict(), Path(output_dir) / FILE)

    def _load_from_checkpoint(self, checkpoint: str, model: Any = None) -> None:
        if not self._load_encoder(checkpoint):
            super()._load_from_checkpoint(checkpoint, model)  # type: ignore[misc]

    def _load_best_model(self) -> None:
        if not self._load_encoder(self.state.best_model_checkpoint):
            super()._load_best_model()  # type: ignore[misc]

    def _load_encoder(self, checkpoint: str) -> bool:
        """Whether the model has an encoder, which then is as it was in the checkpoint."""
        encoder = encoder_of(self.model)
        if encoder is None:
            return False
        from safetensors.torch import load_file

        encoder.load_state_dict(load_file(Path(checkpoint) / FILE))
        return True


def encoder_of(model: Any) -> Any:
    """The module that makes the positions before the text; None for a model without any."""
    encoders = getattr(model, "prompt_encoder", None)
    return encoders[model.active_adapter] if encoders else None
