"""A base by folder, hub name or modelscope:NAME -> folder, tokenizer with new tokens, weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetune.encoding import chat_template
from finetune.encoding.templates import markers_of, read_template
from finetune.train.quantized import keep_trainable, quantization
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.models.hubs import ELSEWHERE, snapshot


def find_base(name: str, cache: Path) -> Path:
    """The base's folder, downloaded where it is none.

    Raises NotFound or Unavailable with what can be done instead.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise NotFound(
                say("{name} is not a model's folder: it has no config.json.", name=name),
                "Name the folder that holds it.",
            )
        return folder.absolute()
    if name.startswith((".", "/", "~")):
        raise NotFound(
            say("There is no folder {name}.", name=name),
            "Correct `base`: name the folder of a model.",
        )
    return snapshot(name, cache)


def load_tokenizer(
    folder: Path, template: str = "", special_tokens: Sequence[str] = (), trusted: bool = False
) -> tuple[Any, list[str]]:
    """The base's tokenizer and the tokens added to it: those asked for or needed by its template.

    `template` is empty for the base's own, `chatml`, or a Jinja file; `trusted` runs code of the
    base's own repository.
    """
    text = read_template(template) if template else ""
    with maps_own_code(trusted):
        tokenizer = chat_template.load_tokenizer(str(folder), text, trusted)
    if not tokenizer.chat_template:
        raise InvalidInput(
            say("{name} has no chat template.", name=folder.name),
            'Set chat_template = "chatml" under [data].',
        )
    known = tokenizer.get_vocab()
    markers = [token for token in markers_of(str(tokenizer.chat_template)) if token not in known]
    if markers:
        tokenizer.add_special_tokens(
            {"extra_special_tokens": markers}, replace_extra_special_tokens=False
        )
    known = tokenizer.get_vocab()
    words = [token for token in dict.fromkeys(special_tokens) if token not in known]
    tokenizer.add_tokens(words)  # not special, so that an answer shows them: people read <think>
    if template == "chatml":
        tokenizer.eos_token = "<|im_end|>"  # noqa: S105 - the template's end of turn
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, [*markers, *words]


def load_model(
    folder: Path,
    words: int,
    dtype: Any,
    device: str,
    *,
    quantized: bool = False,
    stays: bool = False,
    attention: str = "",
    trusted: bool = False,
) -> Any:
    """The base's weights on the device, its embeddings grown to `words` rows or more.

    `quantized` keeps its layers in four bits; `stays` leaves it where it is loaded, for processes
    that each take a part of it from there; `attention` is transformers' name of one; `trusted` runs
    code of the base's own repository.
    """
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {}
    if attention:
        options["attn_implementation"] = attention
    if quantized:
        options |= {"quantization_config": quantization(dtype), "device_map": {"": device}}
    try:
        with maps_own_code(trusted):
            model: Any = AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=dtype, use_safetensors=True, trust_remote_code=trusted, **options
            )
    except (OSError, ValueError) as error:
        lines = str(error).splitlines() or ["no reason given"]
        raise NotFound(
            say("The base {folder} cannot be loaded: {first}", folder=folder, first=lines[0]),
            ELSEWHERE,
        ) from error
    # models often have more rows than their tokenizer has tokens: never shrink
    if words > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(words)
    if quantized:  # it is on its device, and moving it is refused
        keep_trainable(model)
        return model
    return model if stays else model.to(device)


@contextmanager
def maps_own_code(trusted: bool) -> Iterator[None]:
    """Raises InvalidInput where the base's own code was written for another transformers."""
    try:
        yield
    except (AttributeError, ImportError, KeyError, NotImplementedError, TypeError) as error:
        if not trusted:
            raise
        raise InvalidInput(
            say("The base's own code does not run with this transformers: {error}", error=error),
            "Use a base of the family that transformers has itself, such as GLM-4 instead of "
            "ChatGLM3.",
        ) from error
