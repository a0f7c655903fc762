"""A base's tokenizer.model -> the same with the new pieces: SentencePiece's own file.

Programs other than transformers read it instead of tokenizer.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.vocabulary.base import Base
from finetune.vocabulary.learned import Learned

NAMES = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4  # SentencePiece's kinds of pieces


def find_file(folder: Path) -> Path | None:
    """The folder's SentencePiece file."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def write_file(source: Path, target: Path, base: Base, learned: Learned) -> bool:
    """Write the extended file; whether it could be: its ids have to be those of tokenizer.json.

    Some models shift the ids of their file, and a few have another file of that name.
    """
    from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

    content = source.read_bytes()
    try:
        SentencePieceProcessor(model_proto=content)
    except RuntimeError:  # another kind of file
        return False
    messages: Any = sentencepiece_model_pb2  # its classes are made when it is imported
    model = messages.ModelProto()
    model.ParseFromString(content)
    names = [piece.piece for piece in model.pieces]
    if len(names) > base.next_id or any(base.ids.get(name) != n for n, name in enumerate(names)):
        return False
    lowest = min(piece.score for piece in model.pieces)
    special = {token["id"] for token in base.parts["added_tokens"] if token["special"]}
    for number in range(len(names), base.next_id):
        name = base.added.get(number) or base.pieces.get(number, f"<unused{number}>")
        kind = CONTROL if number in special else USER_DEFINED
        model.pieces.add(piece=name, score=0.0, type=kind)
    for place, new in enumerate(learned.pieces, 1):
        score = new.score if base.form == "t5" else lowest - place
        model.pieces.add(piece=new.piece, score=score, type=NORMAL)
    model.trainer_spec.vocab_size = len(model.pieces)
    target.write_bytes(model.SerializeToString())
    return True
