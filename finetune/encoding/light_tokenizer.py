"""A base's tokenizer files -> a tokenizer that works as transformers' own, without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

NAMED = ("bos_token", "eos_token", "unk_token", "pad_token")


class LightTokenizer:
    """The part of a tokenizer that masking and rendering need, from tokenizer.json alone.

    Raises NotFound where that file is missing. `added` are the special tokens that it lacked.
    """

    is_fast = True

    def __init__(
        self, folder: Path, template: str = "", special_tokens: Sequence[str] = ()
    ) -> None:
        from tokenizers import Tokenizer

        if not (folder / "tokenizer.json").exists():
            raise NotFound(
                say("{folder} has no tokenizer.json.", folder=folder),
                "The checks of tokens are made when it is trained.",
            )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._names = _read_names(folder)
        self._templates = {"default": template} if template else _read_templates(folder)
        self.added = [
            token for token in special_tokens if self._tokenizer.token_to_id(token) is None
        ]
        self._tokenizer.add_tokens(self.added)

    @property
    def chat_template(self) -> str:
        return self._templates.get("default", "")

    @property
    def eos_token(self) -> str | None:
        return self._names.get("eos_token")

    @property
    def pad_token(self) -> str | None:
        return self._names.get("pad_token")

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        return {
            number: _Word(token.content, token.special)
            for number, token in self._tokenizer.get_added_tokens_decoder().items()
        }

    @property
    def all_special_tokens(self) -> list[str]:
        return list(self._names.values())

    def get_vocab(self) -> dict[str, int]:
        return self._tokenizer.get_vocab()

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)

    def __call__(self, texts: Sequence[str], **options: Any) -> dict[str, Any]:
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return {
            "input_ids": [one.ids for one in found],
            "offset_mapping": [one.offsets for one in found],
        }

    def get_chat_template(self, tools: Any = None) -> str:
        return self._templates.get("tool_use", self.chat_template) if tools else self.chat_template

    def apply_chat_template(
        self,
        messages: Sequence[Any],
        tools: Any = None,
        chat_template: str = "",
        tokenize: bool = False,
        add_generation_prompt: bool = False,
    ) -> str:
        """The text of the conversation; only text, never tokens."""
        compiled = _compile(chat_template or self.get_chat_template(tools))
        return compiled.render(
            messages=messages,
            tools=tools,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **self._names,
        )


class _Word(str):
    """A token with the mark of a special one."""

    special: bool

    def __new__(cls, text: str, special: bool) -> _Word:
        word = super().__new__(cls, text)
        word.special = special
        return word


def _read_names(folder: Path) -> dict[str, str]:
    """bos, eos, pad and unk as the configuration names them."""
    found: dict[str, str] = {}
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        config = _read(folder / file)
        for name in NAMED:
            token = config.get(name)
            if token:
                found[name] = token["content"] if isinstance(token, dict) else token
    return found


def _read_templates(folder: Path) -> dict[str, str]:
    """The templates by name; most models have the default one only."""
    own = _read(folder / "tokenizer_config.json").get("chat_template") or {}
    if isinstance(own, str):
        found = {"default": own}
    elif isinstance(own, list):
        found = {one["name"]: one["template"] for one in own}
    else:
        found = dict(own)
    # newer models keep templates in files of their own, which win
    default = folder / "chat_template.jinja"
    if default.exists():
        found["default"] = default.read_text("utf-8")
    for path in (folder / "additional_chat_templates").glob("*.jinja"):
        found[path.stem] = path.read_text("utf-8")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InvalidInput(
            say("{path} is not JSON: {error}", path=path, error=error),
            "Copy the model's folder again.",
        ) from error


@lru_cache(8)
def _compile(template: str) -> Any:
    """The template in the same sandbox as transformers' (utils/chat_template_utils.py).

    Raises InvalidInput.
    """
    from jinja2 import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation(), loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    try:
        return environment.from_string(template)
    except TemplateError as error:
        raise InvalidInput(
            say("The chat template cannot be read: {error}", error=error),
            "Correct the base's chat template.",
        ) from error


def _generation() -> Any:
    """The tag `{% generation %}`, which marks answers; here it only shows them."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - Jinja's own way to name them

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    return Generation


def _to_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
    """Unlike Jinja's own, without HTML escapes."""
    return json.dumps(value, ensure_ascii=ensure_ascii, **options)


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
