"""A plan and an Ollama server -> the model there that carries the run's adapter, or why it has to
be merged.

Evidence shows that it is the right base: Workbench published it from the base that the run was
trained on, or a person names it. In both cases the proof has the last word.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.adapter_file import check_alone
from deploy.merge import Merge
from deploy.ollama_registry import Registry
from deploy.tensors import Tensors
from deploy.versions import list_versions
from workbench.artefacts.model_folder import load_tokenizer
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    from deploy.plan import Plan

# Architectures that Ollama 0.24 runs in its own engine, which loads no adapters:
# OllamaEngineRequired in fs/ggml.
OWN_ENGINE = {
    "bert",
    "deepseek2",
    "deepseekocr",
    "gemma3",
    "gemma3n",
    "gemma4",
    "gptoss",
    "gpt-oss",
    "laguna",
    "llama4",
    "mistral3",
    "mllama",
    "nemotron_h",
    "nemotron_h_moe",
    "nemotron_h_omni",
    "nomic-bert",
    "olmo3",
    "qwen25vl",
    "qwen3",
    "qwen3moe",
    "qwen35",
    "qwen35moe",
    "qwen3next",
    "qwen3vl",
    "qwen3vlmoe",
    "glm4moelite",
    "glmocr",
    "lfm2",
    "lfm2moe",
}
ONE_ENGINE = (0, 30)  # from this version on all run in llama.cpp's engine


def choose_form(plan: Plan, registry: Registry, settings: Settings) -> Plan:
    """The plan with the base under its adapter, or with the reason why it is merged.

    Raises InvalidInput or NotFound where the adapter alone was asked for and is impossible.
    """
    order = plan.order
    if order.adapter == "never":
        if order.on:
            raise InvalidInput(
                "--from names a base for the adapter, and --adapter never merges it.",
                "Leave one of them out.",
            )
        return plan
    if order.adapter == "auto" and not plan.artefact.adapter and not order.on:
        return plan  # a whole model: nothing to choose
    try:
        return replace(plan, on=_find_base(plan, registry, settings))
    except (InvalidInput, NotFound) as error:
        if order.adapter == "always":
            raise
        return replace(plan, merged_because=error.problem)


def _find_base(plan: Plan, registry: Registry, settings: Settings) -> tuple[str, str]:
    """(model in Ollama, sha256 of its weights)."""
    _check_adapter(plan)
    model = plan.order.on or _find_published(plan, registry, settings)
    weights = registry.weights(model)
    if weights.adapted:
        raise InvalidInput(
            say("{model} has an adapter already, and Ollama takes one.", model=model),
            "Name its base with --from.",
        )
    if weights.precision != plan.order.precision:
        raise InvalidInput(
            say(
                "{model} has the precision {precision}, not {wanted}.",
                model=model,
                precision=weights.precision,
                wanted=plan.order.precision,
            ),
            say(
                "Publish with --quantize {precision}, or merged: --adapter never.",
                precision=weights.precision,
            ),
        )
    version = registry.check()
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if weights.architecture in OWN_ENGINE and numbers < ONE_ENGINE:
        raise InvalidInput(
            say(
                "Ollama {version} runs no adapters on {architecture}.",
                version=version,
                architecture=weights.architecture,
            ),
            "Publish it merged: --adapter never.",
        )
    return model, weights.sha256


def _check_adapter(plan: Plan) -> None:
    """Only LoRA on the base's own weights and tokens can stand alone.

    Raises InvalidInput for another.
    """
    artefact = plan.artefact
    if not artefact.adapter:
        raise InvalidInput(
            say("{name} is a whole model, not an adapter.", name=artefact.name),
            "Publish it with --adapter auto.",
        )
    shapes = Tensors(sorted(artefact.base.glob("*.safetensors"))).shapes()
    check_alone(Merge(artefact.adapter, shapes))
    if plan.order.pre:
        raise InvalidInput(
            "A pre-tokenizer is named, and the base has its own.", "Leave out --pre-tokenizer."
        )
    if artefact.words != artefact.base:
        base = load_tokenizer(artefact.base)
        if artefact.tokenizer.get_vocab() != base.get_vocab():
            raise InvalidInput(
                say("{name} has other tokens than its base.", name=artefact.name),
                "Publish it merged: --adapter never.",
            )


def _find_published(plan: Plan, registry: Registry, settings: Settings) -> str:
    """The newest version in that Ollama that was made of the run's base alone."""
    in_ollama = registry.digests()
    wanted = {
        "host": registry.host,
        "precision": plan.order.precision,
        "base": plan.artefact.digests["base"],
        "adapter": "",
    }
    for version in list_versions(settings):
        facts = version.card | version.card["digests"]
        same = all(facts[name] == value for name, value in wanted.items())
        if same and version.tag in in_ollama:
            return version.tag
    raise NotFound(
        say(
            "The base of {name} has not been published to this Ollama as {precision}.",
            name=plan.artefact.name,
            precision=plan.order.precision,
        ),
        "Publish the base first, or name it with --from.",
    )
