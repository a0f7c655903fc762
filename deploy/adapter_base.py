"""A plan and a server -> the model there that the run's adapter can stand on alone, or why it has to be merged.

That it is the right base is known by evidence: Workbench published it from the very base that the run was trained on, or
a person names it. In both cases the proof has the last word.
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

OWN_ENGINE = {  # what Ollama 0.24 runs in its own engine, which knows no adapters (fs/ggml, OllamaEngineRequired)
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
ONE_ENGINE = (0, 30)  # from here on all run in llama.cpp's


def choose_form(plan: Plan, registry: Registry, settings: Settings) -> Plan:
    """The plan with the base that its adapter stands on alone, or with the reason why it is merged.

    Raises InvalidInput or NotFound where the adapter alone was asked for and cannot be.
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
        return plan  # there is nothing to choose
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
                "{model} has the precision {precision}, not {precision2}.",
                model=model,
                precision=weights.precision,
                precision2=plan.order.precision,
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
    """Nothing but LoRA on the base's own weights and tokens."""
    artefact = plan.artefact
    if not artefact.adapter:
        raise InvalidInput(
            say("{name} is a whole model, not an adapter.", name=artefact.name),
            "Publish it with --adapter auto.",
        )
    check_alone(
        Merge(artefact.adapter, Tensors(sorted(artefact.base.glob("*.safetensors"))).shapes())
    )
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
    """The newest version in that Ollama that was made of the run's base and nothing else."""
    there, order = registry.digests(), plan.order
    same = [
        version.tag
        for version in list_versions(settings)
        if version.card["host"] == registry.host
        and version.tag in there
        and version.card["digests"]["base"] == plan.artefact.digests["base"]
        and not version.card["digests"]["adapter"]
        and version.card["precision"] == order.precision
    ]
    if not same:
        raise NotFound(
            say(
                "The base of {name} has not been published to this Ollama as {precision}.",
                name=plan.artefact.name,
                precision=order.precision,
            ),
            "Publish the base first, or name it with --from.",
        )
    return same[0]
