"""Every tuning method on every family of encoders: what learns, what is stored, what is merged."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import ArtifactError, TrainingError
from ml.models.classifier import TextClassifier
from ml.models.encoder import delta_state, load_delta, load_encoder, merged, tune
from ml.models.tagger import TokenTagger
from ml.models.tuning.layers import layout_of, token_positions
from ml.models.tuning.registry import make_method, method_class, method_names
from tests.ml.models.tuning.families import FAMILIES, POSITIONS, make_family

MERGED = ("lora", "adalora", "ia3", "bitfit", "full", "head")
IDS = torch.tensor([[2, 4, 6, 3, 0], [2, 9, 8, 7, 3]])
MASK = (IDS > 0).long()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EncoderSource]:
    folder = tmp_path_factory.mktemp("families")
    return {name: resolve_encoder(str(make_family(name, folder / name))) for name in FAMILIES}


def _tuned(source: EncoderSource, method: dict[str, Any], seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return tune(load_encoder(source), method).eval()


def _trained(source: EncoderSource, method: dict[str, Any]) -> nn.Module:
    """Tuned, and all that learns moved as training would."""
    encoder = _tuned(source, method)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter)
    return encoder


@torch.no_grad()
def _states(encoder: nn.Module, mask: Tensor = MASK) -> Tensor:
    states: Tensor = encoder(input_ids=IDS, attention_mask=mask).last_hidden_state
    return states


def _pairs() -> list[tuple[str, str]]:
    return [
        (family, method)
        for family in FAMILIES
        for method in method_names()
        if (family, method) != ("mpnet", "prefix")
    ]


@pytest.mark.parametrize(("family", "method"), _pairs())
def test_a_stored_delta_gives_the_same_states_bit_for_bit(
    sources: dict[str, EncoderSource], tmp_path: Path, family: str, method: str
) -> None:
    settings = make_method({"name": method}).declare()
    encoder = _trained(sources[family], settings)
    wanted = _states(encoder)
    plain = _states(load_encoder(sources[family]).eval())
    assert wanted.shape == plain.shape
    assert torch.equal(wanted, plain) == (method == "head")

    path = tmp_path / "adapter.safetensors"
    delta = delta_state(encoder, settings)
    assert bool(delta) == (method != "head")
    if delta:
        save_file(delta, path)
    again = _tuned(sources[family], settings, seed=99)
    load_delta(again, settings, path)
    assert torch.equal(_states(again), wanted)

    whole = merged(again, settings)
    torch.testing.assert_close(_states(whole), wanted, atol=2e-5, rtol=1e-4)
    assert (type(whole) is type(load_encoder(sources[family]))) == (
        method in MERGED or method in ("adapter", "prefix")
    )


@pytest.mark.parametrize("method", [name for name in method_names() if name != "head"])
def test_only_what_is_stored_learns(sources: dict[str, EncoderSource], method: str) -> None:
    settings = make_method({"name": method}).declare()
    encoder = _tuned(sources["bert"], settings).train()
    states = encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    states.square().sum().backward()
    learning = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert learning == set(delta_state(encoder, settings)) & set(dict(encoder.named_parameters()))
    whole = sum(parameter.numel() for parameter in encoder.parameters())
    share = sum(p.numel() for p in encoder.parameters() if p.requires_grad) / whole
    assert share == 1 if method == "full" else 0 < share < 0.6
    frozen = [p for p in encoder.parameters() if not p.requires_grad]
    assert all(p.grad is None for p in frozen)


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_virtual_tokens_do_not_see_padding(sources: dict[str, EncoderSource], method: str) -> None:
    encoder = _trained(sources["bert"], {"name": method, "length": 3})
    first = encoder(input_ids=IDS[:1, :4], attention_mask=MASK[:1, :4]).last_hidden_state
    torch.testing.assert_close(first, _states(encoder)[:1, :4])
    words = encoder.get_input_embeddings()(IDS)  # type: ignore[operator]
    given = encoder(inputs_embeds=words, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(given, _states(encoder))


def test_a_prompt_is_as_good_as_words_in_front(sources: dict[str, EncoderSource]) -> None:
    """Vectors of words as the prompt give what the encoder gives with the words themselves."""
    encoder: Any = _tuned(sources["bert"], {"name": "prompt", "length": 2})
    front = torch.tensor([[5, 7]]).expand(2, -1)
    encoder.prompt.data = encoder.get_input_embeddings()(front[0]).detach()
    with torch.no_grad():
        wanted = encoder.base(
            input_ids=torch.cat([front, IDS], dim=1),
            attention_mask=torch.cat([torch.ones_like(front), MASK], dim=1),
        ).last_hidden_state[:, 2:]
    torch.testing.assert_close(_states(encoder), wanted)


def test_a_prefix_may_be_longer_than_what_the_encoder_reads(
    sources: dict[str, EncoderSource],
) -> None:
    encoder = _tuned(sources["bert"], {"name": "prefix", "length": 2 * POSITIONS + 3})
    lengths = {len(weights) for name, weights in encoder.named_parameters() if ".prefix." in name}
    assert lengths == {2 * POSITIONS + 3}
    assert torch.isfinite(_states(encoder)).all()


def test_prefix_tuning_refuses_an_attention_that_it_does_not_reach(
    sources: dict[str, EncoderSource],
) -> None:
    with pytest.raises(TrainingError, match="does not reach the attention of a MPNetModel"):
        _tuned(sources["mpnet"], {"name": "prefix"})


@pytest.mark.parametrize("kind", [TextClassifier, TokenTagger])
@pytest.mark.parametrize("method", method_names())
def test_every_method_serves_both_kinds_of_model(
    sources: dict[str, EncoderSource], kind: Any, method: str
) -> None:
    encoder = _trained(sources["bert"], {"name": method})
    model = kind(encoder, hidden_size=32, columns=3).eval()
    tagging = kind is TokenTagger
    inputs = {"shape_ids": MASK} if tagging else {}
    labels = MASK if tagging else torch.tensor([0, 2])
    answer = model(input_ids=IDS, attention_mask=MASK, labels=labels, **inputs)
    assert answer["logits"].shape == ((2, 5, 3) if tagging else (2, 3))
    answer["loss"].backward()
    assert all(p.grad is not None for p in model.head.parameters())


def test_unknown_encoders_are_named() -> None:
    with pytest.raises(TrainingError, match="the layers of a Sequential are not known"):
        layout_of(nn.Sequential(nn.Linear(2, 2)))


@pytest.mark.parametrize(("family", "lost"), [("bert", 0), ("roberta", 2), ("distilbert", 0)])
def test_positions_leave_out_those_before_the_first_token(
    sources: dict[str, EncoderSource], family: str, lost: int
) -> None:
    assert token_positions(load_encoder(sources[family])) == POSITIONS - lost


def test_a_prompt_longer_than_the_encoder_is_refused(sources: dict[str, EncoderSource]) -> None:
    with pytest.raises(TrainingError, match=f"the encoder has {POSITIONS}"):
        _tuned(sources["bert"], {"name": "prompt", "length": POSITIONS})


def test_a_delta_of_another_method_is_refused(
    sources: dict[str, EncoderSource], tmp_path: Path
) -> None:
    path = tmp_path / "adapter.safetensors"
    save_file(delta_state(_trained(sources["bert"], {"name": "bitfit"}), {"name": "bitfit"}), path)
    for method in ("lora", "adapter", "prompt"):
        with pytest.raises(ArtifactError, match="does not fit the model"):
            load_delta(_tuned(sources["bert"], {"name": method}), {"name": method}, path)


@pytest.mark.parametrize("method", method_names())
def test_the_declaration_makes_the_method_again(method: str) -> None:
    made = make_method({"name": method})
    assert make_method(made.declare()) == made
    assert made.name == method
    assert method_class(method).__doc__
    assert {"name"} | {item.name for item in fields(made)} == set(made.declare())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": "magic"}, "unknown method 'magic'; use one of adalora, adapter"),
        ({"name": "prefix", "size": 3}, "prefix has no setting 'size'; it has length"),
        ({"name": "bitfit", "size": 3}, "bitfit has no setting 'size'; it has none"),
        ({"name": "adapter", "size": 1.5}, "adapter: size must be a int"),
        ({"name": "adapter", "layer_norms": 1}, "adapter: layer_norms must be a bool"),
        ({"name": "adapter", "size": 0}, "adapter: size = 0 is not allowed; it must be above 0"),
        ({"name": "adalora", "rank": 8, "first_rank": 8}, "8 is not allowed; it must be above 8"),
        ({"name": "adalora", "start": 0.5, "finish": 0.4}, "it must be above 0.5, 1 at most"),
        ({"name": "full", "layer_decay": 0}, "layer_decay = 0.0 is not allowed"),
        ({"name": "lora", "dropout": 1}, "dropout = 1.0 is not allowed"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make_method(settings)
