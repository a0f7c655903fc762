"""A model and new pieces -> their rows of embedding and head, begun with what they stand for.

A new row is the mean of the rows of its old tokens (Koto et al. 2021), in embedding and head alike,
whether they share their weights or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.vocabulary.learned import NewPiece


def grow(model: Any, pieces: Mapping[int, NewPiece]) -> None:
    """Give each id a row. Rows that the model has to spare are used first; none is taken away."""
    rows = max(pieces) + 1
    if rows > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)
    for weight in _weights(model):
        for number, piece in pieces.items():
            old = weight[list(piece.parts)]
            weight[number] = old.float().mean(0).to(weight.dtype)


def _weights(model: Any) -> list[Any]:
    """The tensors with a row for each token, each once."""
    embedding = model.get_input_embeddings().weight.data
    found = [embedding]
    head = model.get_output_embeddings()
    if head is None:
        return found
    if head.weight.data_ptr() != embedding.data_ptr():
        found.append(head.weight.data)
    if getattr(head, "bias", None) is not None:
        found.append(head.bias.data)
    return found


def logits_of(model: Any, texts: Sequence[Sequence[int]]) -> list[Any]:
    """The model's logits after each token of each text, as float32."""
    import torch

    with torch.inference_mode():
        return [model(input_ids=torch.tensor([list(ids)])).logits[0].float() for ids in texts]


def farthest(before: Sequence[Any], after: Sequence[Any]) -> float:
    """The largest difference between two lists of logits, over the tokens that both have."""
    differences = [
        (one - other[:, : one.shape[1]]).abs().max().item()
        for one, other in zip(before, after, strict=True)
    ]
    return max(differences, default=0.0)
