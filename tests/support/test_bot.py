from __future__ import annotations

from apps.support.bot import Findings, Known, decide
from ml.retrieval.documents import Passage
from ml.retrieval.hybrid import Hit
from ml.types import Classification, ScoredLabel

BLOCKS = ("Soon.", "More in **detail**.", "Other things.")
ARTICLES = {
    "card-arrival": Known("card-arrival", "When will my card arrive?", ("card_arrival",), BLOCKS),
    "change-pin": Known("change-pin", "How do I change my PIN?", ("change_pin",), BLOCKS),
}


def intent(
    *scores: tuple[str, float], in_scope: bool = True, confident: bool = True
) -> Classification:
    return Classification(
        tuple(ScoredLabel(*score) for score in scores),
        0.01 if in_scope else 0.99,
        in_scope,
        confident,
        "v1",
    )


def hit(slug: str, score: float) -> Hit:
    passage = Passage(f"{slug}#1", slug, "body", "More in **detail**.", "")
    return Hit(slug, score, score, 0.0, passage, passage)


def findings(text: str, what: Classification, hits: list[Hit], **more: object) -> Findings:
    return Findings(text=text, intent=what, hits=hits, articles=ARTICLES, **more)  # type: ignore[arg-type]


SURE = intent(("card_arrival", 0.95), ("change_pin", 0.03))
OUTSIDE = intent(("card_arrival", 0.3), ("change_pin", 0.2), in_scope=False, confident=False)
TORN = intent(("card_arrival", 0.48), ("change_pin", 0.42), confident=False)


def test_a_sure_intent_answers_with_its_article_and_cites_it() -> None:
    decision = decide(findings("where is it", SURE, [hit("card-arrival", 0.5)]))
    assert decision.action == "answer"
    assert decision.citations == [
        {
            "slug": "card-arrival",
            "title": "When will my card arrive?",
            "url": "/support/help/card-arrival/",
        }
    ]
    assert decision.text == "Soon.\n\nMore in detail."


def test_two_close_intents_ask_back_with_a_choice_of_both() -> None:
    decision = decide(findings("my card", TORN, [hit("card-arrival", 0.5)]))
    assert decision.action == "clarify"
    assert [choice["slug"] for choice in decision.choices] == ["card-arrival", "change-pin"]


def test_a_chosen_article_is_answered_whatever_the_models_say() -> None:
    decision = decide(findings("x", OUTSIDE, [], chosen="change-pin"))
    assert (decision.action, decision.citations[0]["slug"]) == ("answer", "change-pin")


def test_a_chosen_article_that_does_not_exist_is_ignored() -> None:
    assert decide(findings("x", OUTSIDE, [], chosen="../etc")).action == "unsure"


def test_out_of_scope_is_unsure_once_and_handed_over_the_second_time() -> None:
    weak = [hit("card-arrival", 0.3)]
    assert decide(findings("pizza?", OUTSIDE, weak)).action == "unsure"
    assert decide(findings("film?", OUTSIDE, weak, unsure_before=1)).action == "hand_over"


def test_a_strong_article_answers_even_where_the_intent_is_unknown() -> None:
    decision = decide(findings("complaints", OUTSIDE, [hit("change-pin", 0.8)]))
    assert (decision.action, decision.citations[0]["slug"]) == ("answer", "change-pin")


def test_who_asks_for_a_person_gets_one() -> None:
    for text in ("I want to talk to a person", "can I speak with a human please", "real person!"):
        assert decide(findings(text, SURE, [hit("card-arrival", 0.9)])).action == "hand_over"


def test_small_talk_is_answered_without_the_models() -> None:
    for text in ("Hi", "hello there!", "thanks a lot", "ok thank you", "bye"):
        assert decide(findings(text, OUTSIDE, [])).action == "chat", text
    assert (
        decide(findings("hi where is my card", SURE, [hit("card-arrival", 0.9)])).action == "answer"
    )


def test_a_question_whether_it_is_a_person_is_no_wish_for_one() -> None:
    assert decide(findings("Are you a real person?", SURE, [])).action == "chat"
    assert decide(findings("I want a real person", SURE, [])).action == "hand_over"


def test_an_article_of_no_intent_answers_where_it_leads_clearly() -> None:
    orders = Known("orders", "Standing orders", (), BLOCKS)
    articles = ARTICLES | {"orders": orders}

    def asked(first: float, second: float, known: dict[str, Known] = articles) -> str:
        hits = [hit("orders", first), hit("card-arrival", second)]
        decision = decide(Findings(text="x", intent=SURE, hits=hits, articles=known))
        return str(decision.citations[0]["slug"])

    assert asked(0.75, 0.6) == "orders"
    assert asked(0.6, 0.35) == "orders"
    assert asked(0.71, 0.7) == "card-arrival"  # the intent is sure, and the lead is small
    assert asked(0.4, 0.0) == "card-arrival"  # nothing matches well
    assert asked(0.75, 0.6, articles | {"orders": Known("orders", "x", ("pin",), BLOCKS)}) == (
        "card-arrival"
    )


def test_another_language_is_handed_over() -> None:
    assert decide(findings("Wo ist sie", SURE, [], language="de")).action == "hand_over"


def test_no_articles_at_all_is_unsure() -> None:
    empty = Findings(text="where", intent=SURE, hits=[], articles={})
    assert decide(empty).action == "unsure"
