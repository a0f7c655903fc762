"""A base by folder, hub name or modelscope:NAME -> its folder, its tokenizer with the tokens the data needs, its weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.encoding import chat_template
from finetune.encoding.templates import markers_of, read_template
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import require
from workbench.messages import say

FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
ELSEWHERE = (
    'Give the folder of a model on this disk, or take it from ModelScope: base = "modelscope:Qwen/Qwen2.5-0.5B-Instruct"'
    " (pip install modelscope)."
)


def find_base(name: str, cache: Path) -> Path:
    """The base's folder, downloaded where it is none. Raises NotFound or Unavailable with what can be done instead."""
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
            say("There is no folder {name}.", name=name), "Correct `base` in the run file."
        )
    return _download(name, cache)


def load_tokenizer(
    folder: Path, template: str = "", special_tokens: Sequence[str] = ()
) -> tuple[Any, list[str]]:
    """The base's tokenizer and the tokens added to it: those asked for, and those its chat template needs.

    `template` is empty for the base's own, `chatml`, or a Jinja file.
    """
    tokenizer = chat_template.load_tokenizer(
        str(folder), read_template(template) if template else ""
    )
    if not tokenizer.chat_template:
        raise InvalidInput(
            say("{name} has no chat template.", name=folder.name),
            'Set chat_template = "chatml" under [data].',
        )
    known = tokenizer.get_vocab()
    markers = [token for token in markers_of(str(tokenizer.chat_template)) if token not in known]
    words = [
        token
        for token in dict.fromkeys(special_tokens)
        if token not in known and token not in markers
    ]
    if markers:
        tokenizer.add_special_tokens(
            {"extra_special_tokens": markers}, replace_extra_special_tokens=False
        )
    tokenizer.add_tokens(words)  # one token each, and shown: <think> is read by people
    if template == "chatml":
        tokenizer.eos_token = "<|im_end|>"  # noqa: S105 - the template's end of turn
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, [*markers, *words]


def load_model(folder: Path, words: int, dtype: Any, device: str) -> Any:
    """The base's weights on the device, its embeddings grown to `words` where they have fewer rows."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import is_flash_attn_2_available

    flash = device == "cuda" and dtype.itemsize == 2 and is_flash_attn_2_available()
    options = {"attn_implementation": "flash_attention_2"} if flash else {}
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=dtype, use_safetensors=True, trust_remote_code=False, **options
        )
    except (OSError, ValueError) as error:
        first = (str(error).splitlines() or ["no reason given"])[0]
        raise NotFound(
            say("The base {folder} cannot be loaded: {first}", folder=folder, first=first),
            ELSEWHERE,
        ) from error
    if words > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(words)
    return model.to(device)


def _download(name: str, cache: Path) -> Path:
    """A model from ModelScope or the Hugging Face hub; what was downloaded before is not asked for again."""
    if name.startswith("modelscope:"):
        modelscope = require("modelscope", "modelscope", "A model from ModelScope")
        try:
            return Path(
                modelscope.snapshot_download(name.removeprefix("modelscope:"), cache_dir=str(cache))
            )
        except (OSError, ValueError) as error:
            raise Unavailable(
                say("{name} cannot be had from ModelScope: {error}", name=name, error=error),
                ELSEWHERE,
            ) from error
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except HFValidationError as error:
        raise NotFound(
            say("{name!r} is no model's name and no folder.", name=name), ELSEWHERE
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise Unavailable(
            say("The model {name} cannot be downloaded from the Hugging Face hub.", name=name),
            ELSEWHERE,
        ) from error
