"""The conditional random field's loss, against the sum over all sequences."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch

from ml.models.chain import LinearChain

IGNORED = -100
TAGS = 3


def chain() -> LinearChain:
    torch.manual_seed(2)
    made = LinearChain(TAGS, ignored=IGNORED)
    with torch.no_grad():
        for weights in made.parameters():
            weights.normal_()
    return made


def score(made: LinearChain, logits: torch.Tensor, tags: tuple[int, ...]) -> torch.Tensor:
    found = made.start[tags[0]] + made.end[tags[-1]]
    found = found + sum(logits[word, tag] for word, tag in enumerate(tags))
    return found + sum(made.follow[before, after] for before, after in pairwise(tags))


@pytest.mark.parametrize("words", [1, 2, 4])
def test_the_loss_is_what_all_sequences_sum_to(words: int) -> None:
    made, logits = chain(), torch.randn(1, words, TAGS)
    gold = tuple(torch.randint(TAGS, (words,)).tolist())
    scores = [score(made, logits[0], tags) for tags in product(range(TAGS), repeat=words)]
    expected = torch.stack(scores).logsumexp(0) - score(made, logits[0], gold)
    loss = made(logits, torch.tensor([gold]))
    assert loss.item() == pytest.approx(expected.item() / words, rel=1e-4)


def test_tokens_that_begin_no_word_are_no_part_of_the_sequence() -> None:
    made, logits = chain(), torch.randn(2, 5, TAGS)
    labels = torch.tensor(
        [[IGNORED, 1, IGNORED, 2, IGNORED], [IGNORED, 0, 1, 2, IGNORED]],
    )
    alone = made(logits[:1, [1, 3]], torch.tensor([[1, 2]])) * 2
    other = made(logits[1:, [1, 2, 3]], torch.tensor([[0, 1, 2]])) * 3
    assert made(logits, labels).item() == pytest.approx((alone + other).item() / 5, rel=1e-4)
    logits[0, 2] += 50.0
    assert made(logits, labels).item() == pytest.approx((alone + other).item() / 5, rel=1e-4)


def test_a_batch_without_words_costs_nothing_and_keeps_its_gradient() -> None:
    made, logits = chain(), torch.randn(2, 3, TAGS, requires_grad=True)
    loss = made(logits, torch.full((2, 3), IGNORED))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_it_learns_which_tag_follows_which() -> None:
    made = LinearChain(TAGS, ignored=IGNORED)
    logits, labels = torch.zeros(1, 6, TAGS), torch.tensor([[0, 1, 2, 0, 1, 2]])
    optimiser = torch.optim.SGD(made.parameters(), lr=1.0)
    for _ in range(60):
        optimiser.zero_grad()
        made(logits, labels).backward()
        optimiser.step()
    assert made.follow.argmax(dim=1).tolist() == [1, 2, 0]
    assert made.start.argmax().item() == 0
    assert made.end.argmax().item() == 2
