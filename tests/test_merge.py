"""Merging tensor by tensor says exactly what PEFT says, for every kind of LoRA that PEFT writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import make_model

from deploy.artefact import find_artefact
from deploy.merge import read_adapter
from deploy.merged import write_merged
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.settings import Settings

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
KINDS: dict[str, dict[str, Any]] = {
    "lora": {"target_modules": ALL},
    "rslora": {"target_modules": ALL, "use_rslora": True},
    "dora": {"target_modules": ALL, "use_dora": True},
    "dora on the embedding": {"target_modules": ["q_proj", "embed_tokens"], "use_dora": True},
    "patterns": {
        "target_modules": ALL,
        "rank_pattern": {"q_proj": 2, r"layers\.1\..*down_proj": 6},
        "alpha_pattern": {"v_proj": 3, r"layers\.0\..*o_proj": 11},
    },
    "modules to save": {
        "target_modules": ["q_proj"],
        "modules_to_save": ["embed_tokens", "lm_head"],
    },
    "embedding only": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    "head only": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "tied on purpose": {
        "target_modules": ["q_proj"],
        "modules_to_save": ["embed_tokens"],
        "ensure_weight_tying": True,
    },
    "lora on embedding and head": {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
    "lora on the embedding": {"target_modules": ["q_proj", "embed_tokens"]},
    "trainable tokens": {"target_modules": ["q_proj"], "trainable_token_indices": [1, 5, 300]},
    "trainable tokens of both": {
        "target_modules": ["q_proj"],
        "trainable_token_indices": {"embed_tokens": [1, 2], "lm_head": [7]},
    },
    "every bias": {"target_modules": ["q_proj"], "bias": "all"},
    "biases of targets": {"target_modules": ["q_proj", "v_proj"], "bias": "lora_only"},
    "bias of lora": {"target_modules": ["q_proj"], "lora_bias": True},
    "norms saved": {"target_modules": ["q_proj"], "modules_to_save": ["input_layernorm"]},
}
RESIZED = [
    "lora",
    "modules to save",
    "embedding only",
    "lora on embedding and head",
    "trainable tokens",
]
CASES = [(kind, tied, 0) for kind in KINDS for tied in (True, False)]
CASES += [(kind, tied, 437) for kind in RESIZED for tied in (True, False)]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A model whose head is its embedding, and one whose head is its own."""
    from transformers import AutoModelForCausalLM

    tied = make_model(tmp_path_factory.mktemp("bases") / "tied")
    model: Any = AutoModelForCausalLM.from_pretrained(tied)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) / 8)
    free = tied.parent / "free"
    model.save_pretrained(free)
    return {True: tied, False: free}


def make_adapter(base: Path, folder: Path, words: int = 0, **lora: Any) -> Any:
    """Save a randomly changed adapter of that kind; returns PEFT's model in memory."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    if words:
        model.resize_token_embeddings(words, mean_resizing=False)
    tuned: Any = get_peft_model(
        model, LoraConfig(**{"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM"} | lora)
    )
    for weight in tuned.parameters():
        if weight.requires_grad:
            weight.data += torch.randn_like(weight) * 0.05
    tuned.save_pretrained(folder)
    return tuned.eval()


def logits(model: Any, words: int = 400) -> torch.Tensor:
    ids = torch.arange(0, words).reshape(4, -1)[:, -90:]
    with torch.inference_mode():
        return model(input_ids=ids).logits


@pytest.mark.parametrize(("kind", "tied", "words"), CASES)
def test_the_merged_model_computes_what_the_adapter_computes(
    bases: dict[bool, Path], settings: Settings, tmp_path: Path, kind: str, tied: bool, words: int
) -> None:
    from transformers import AutoModelForCausalLM

    tuned = make_adapter(bases[tied], tmp_path / "adapter", words, **KINDS[kind])
    folder = write_merged(find_artefact(str(tmp_path / "adapter"), settings), tmp_path / "merged")
    merged: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    ours, theirs = logits(merged, words // 4 * 4 or 400), logits(tuned, words // 4 * 4 or 400)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=2e-5), (ours - theirs).abs().max()
    with tuned.disable_adapter():
        assert not torch.allclose(ours, logits(tuned, words // 4 * 4 or 400), atol=1e-3), (
            "the adapter changes nothing"
        )


def test_every_tensor_is_within_one_f16_step_of_pefts_merge(
    bases: dict[bool, Path], settings: Settings, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    checked = 0
    for kind in ("lora", "rslora", "dora", "patterns", "bias of lora", "modules to save"):
        tuned = make_adapter(bases[False], tmp_path / kind / "adapter", **KINDS[kind])
        folder = write_merged(
            find_artefact(str(tmp_path / kind / "adapter"), settings), tmp_path / kind / "merged"
        )
        ours, theirs = (
            load_file(folder / "model.safetensors"),
            tuned.merge_and_unload().state_dict(),
        )
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            one, other = tensor.half().view(torch.int16), theirs[name].half().view(torch.int16)
            assert (one.int() - other.int()).abs().max() <= 1, f"{kind}: {name}"
            checked += 1
    assert checked == 6 * len(ours)


def test_gpt2s_transposed_weights_are_merged(settings: Settings, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=2, n_positions=128)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "base")
    checked = 0
    for changes in ({}, {"use_dora": True}, {"modules_to_save": ["wte", "lm_head"]}):
        place = tmp_path / str(checked)
        options = {"target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True} | changes
        tuned = make_adapter(tmp_path / "base", place / "adapter", 320, **options)
        folder = write_merged(find_artefact(str(place / "adapter"), settings), place / "merged")
        merged: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
        assert torch.allclose(logits(merged, 320), logits(tuned, 320), atol=2e-5)
        checked += 1
    assert checked == 3


def test_an_adapter_of_another_base_is_refused(
    bases: dict[bool, Path], settings: Settings, tmp_path: Path
) -> None:
    make_adapter(bases[True], tmp_path / "adapter", **KINDS["lora"])
    other = make_model(tmp_path / "other", width=32)
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(config.read_text("utf-8").replace(str(bases[True]), str(other)), "utf-8")
    artefact = find_artefact(str(tmp_path / "adapter"), settings)
    with pytest.raises(InvalidInput, match="shape") as caught:
        write_merged(artefact, tmp_path / "merged")
    assert "another base" in caught.value.fix
    assert [path.name for path in tmp_path.iterdir() if "merged" in path.name] == []


def test_a_base_that_moved_or_changed_is_named(
    bases: dict[bool, Path], settings: Settings, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    make_adapter(bases[True], run / "adapter", **KINDS["lora"])
    (run / "card.json").write_text(json.dumps({"base_digest": "of another"}), "utf-8")
    with pytest.raises(Conflict, match="not the one"):
        find_artefact(str(run / "adapter"), settings)
    config = run / "adapter" / "adapter_config.json"
    config.write_text(config.read_text("utf-8").replace(str(bases[True]), "/gone/away"), "utf-8")
    with pytest.raises(NotFound, match="/gone/away no longer exists"):
        find_artefact(str(run / "adapter"), settings)


def test_prefix_tuning_is_refused_with_what_can_be_done(
    bases: dict[bool, Path], tmp_path: Path
) -> None:
    from peft import PrefixTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(bases[True])
    get_peft_model(
        model, PrefixTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")
    ).save_pretrained(tmp_path)
    with pytest.raises(InvalidInput, match="PREFIX_TUNING") as caught:
        read_adapter(tmp_path)
    assert "local:RUN" in caught.value.fix and "LoRA" in caught.value.fix


def test_an_initialisation_that_changed_the_base_is_refused(
    bases: dict[bool, Path], tmp_path: Path
) -> None:
    make_adapter(bases[True], tmp_path, init_lora_weights="pissa", target_modules=["q_proj"])
    with pytest.raises(InvalidInput, match="pissa"):
        read_adapter(tmp_path)
