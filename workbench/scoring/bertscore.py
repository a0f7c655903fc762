"""Answers and references -> BERTScore (Zhang et al. 2020): precision, recall and F1 of meanings.

The library bert_score counts; the encoder is loaded here, from any folder and without pickles.
Raw figures lie high for any two texts, how high depends on the encoder. Rescaling sets the mean of
unrelated texts to 0, which is known only for the encoders that the library has measured.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, Unavailable
from workbench.extras import check_extra, quiet_transformers
from workbench.files import read_json
from workbench.language import language_of
from workbench.messages import say
from workbench.models.encoders import encoder_folder
from workbench.models.hubs import MODELSCOPE
from workbench.models.reasoning import answer_only
from workbench.settings import Settings

Pairs = Sequence[tuple[str, str]]
Report = Callable[[dict[str, Any]], None]
STAGE = "Comparing meanings"
USUAL = "usual"  # the library's encoder for the language of the references
USUAL_ENCODERS = {"zh": "google-bert/bert-base-chinese", "en": "FacebookAI/roberta-large"}
DEPTH = 5 / 6  # of the layers, where the library knows no better one
COUNTS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
AT_ONCE = 64  # pairs


@dataclass(frozen=True)
class Encoder:
    """A model that reads both texts, the layer whose vectors are compared, and the baseline.

    `baseline` is the precision, recall and F1 of unrelated texts; None for raw figures.
    """

    name: str
    folder: Path
    layer: int
    baseline: tuple[float, ...] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What a figure's reader has to know of it."""
        rescaled = self.baseline is not None
        return {"encoder": self.name, "layer": self.layer, "rescaled": rescaled}


def find_encoder(
    name: str, references: Sequence[str], settings: Settings, layer: int = 0, rescale: bool = False
) -> Encoder:
    """The encoder of that name; `usual` and `modelscope:usual` go by the references' language.

    Layer 0 takes the library's choice, else five sixths of the layers. Raises what
    `encoder_folder` raises, and InvalidInput for a layer or a baseline that does not exist.
    """
    check_extra("evaluate", ["bert_score"], "BERTScore")
    language = language_of(" ".join(references))
    if name.removeprefix(MODELSCOPE) == USUAL:
        name = name.replace(USUAL, USUAL_ENCODERS[language])
    folder = encoder_folder(name, settings)
    layers = _layers(folder)
    if layer > layers:
        raise InvalidInput(
            say("{name} has {layers} layers.", name=name, layers=layers), "Lower --layer."
        )
    layer = layer or _best_layer(name, layers)
    baseline = _baseline(name, language, layer) if rescale else None
    return Encoder(name, folder, layer, baseline)


def bertscore(
    encoder: Encoder, pairs: Pairs, report: Report = lambda event: None
) -> list[tuple[float, ...]]:
    """Precision, recall and F1 of each (answer, reference); raw 0 where one of them is empty.

    Equal pairs are counted once. Raises Unavailable where the encoder cannot be loaded.
    """
    cleaned = [(answer_only(answer), answer_only(reference)) for answer, reference in pairs]
    waiting = [pair for pair in dict.fromkeys(cleaned) if all(pair)]
    waiting.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
    known: dict[tuple[str, str], tuple[float, ...]] = {}
    for begin in range(0, len(waiting), AT_ONCE):
        report({"event": "progress", "stage": STAGE, "done": begin, "of": len(waiting)})
        batch = waiting[begin : begin + AT_ONCE]
        known |= zip(batch, _compare(encoder, batch), strict=True)
    return [_rescaled(known.get(pair, (0.0, 0.0, 0.0)), encoder.baseline) for pair in cleaned]


def _compare(encoder: Encoder, pairs: Pairs) -> list[tuple[float, ...]]:
    from bert_score.utils import bert_cos_score_idf

    model, tokenizer = _load(encoder.folder, encoder.layer)
    weights: dict[int, float] = defaultdict(lambda: 1.0)
    weights[tokenizer.sep_token_id] = 0.0
    weights[tokenizer.cls_token_id] = 0.0
    answers = [answer for answer, _ in pairs]
    references = [reference for _, reference in pairs]
    figures = bert_cos_score_idf(
        model, references, answers, tokenizer, weights, device=model.device, batch_size=AT_ONCE
    )
    return [tuple(row) for row in figures.tolist()]


@lru_cache(maxsize=1)
def _load(folder: Path, layer: int) -> tuple[Any, Any]:
    """The model up to that layer, and its tokenizer."""
    quiet_transformers()
    import torch
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        whole = AutoModel.from_pretrained(
            folder, num_hidden_layers=layer, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(
            say("The encoder {folder} cannot be loaded: {error}", folder=folder, error=reason),
            "Download the model again, or use another one.",
        ) from error
    model = whole.encoder if whole.config.is_encoder_decoder else whole
    positions = getattr(whole.config, "max_position_embeddings", 0) or 512
    if tokenizer.model_max_length > positions:  # its folder does not say
        tokenizer.model_max_length = positions - 2  # two of RoBERTa's are before the first token
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device).eval(), tokenizer


def _layers(folder: Path) -> int:
    config = read_json(folder / "config.json", {})
    for key in COUNTS:
        if config.get(key):
            return int(config[key])
    raise InvalidInput(
        say("The configuration of {folder} does not say how many layers it has.", folder=folder),
        "Take an encoder such as bert-base-chinese or roberta-large.",
    )


def _best_layer(name: str, layers: int) -> int:
    from bert_score.utils import model2layers

    for known in _library_names(name):
        if known in model2layers:
            return min(model2layers[known], layers)
    return max(1, round(DEPTH * layers))


def _baseline(name: str, language: str, layer: int) -> tuple[float, ...]:
    spec = find_spec("bert_score")
    assert spec and spec.origin  # find_encoder has looked whether it is installed
    folder = Path(spec.origin).parent / "rescale_baseline" / language
    for known in _library_names(name):
        file = folder / f"{known}.tsv"
        if file.is_file():
            rows = list(csv.reader(file.read_text("utf-8").splitlines()))
            return tuple(float(figure) for figure in rows[layer + 1][1:])  # below the heading
    raise InvalidInput(
        say(
            "There is no baseline of {name} for {language}, so its figures cannot be rescaled.",
            name=name,
            language=language,
        ),
        "Leave --rescale out, or take --encoder usual.",
    )


def _library_names(name: str) -> list[str]:
    """The names by which the library may know an encoder, as the hub has it or without owner."""
    plain = name.removeprefix(MODELSCOPE)
    return [plain, Path(plain).name]


def _rescaled(figures: tuple[float, ...], baseline: tuple[float, ...] | None) -> tuple[float, ...]:
    if baseline is None:
        return figures
    return tuple((one - low) / (1 - low) for one, low in zip(figures, baseline, strict=True))
