"""Numbers of the model hub as people read them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from apps.modelhub.gate_checks import details_shown
from apps.modelhub.models import LabelledExample
from apps.modelhub.pieces import pieces
from apps.modelhub.slice_names import part_name

register = template.Library()

_NAMES = {
    "accept": gettext_lazy("Accept"),
    "base": gettext_lazy("Base encoder"),
    "companies": pgettext_lazy("a part of rows", "Companies"),
    "entities": gettext_lazy("Entities"),
    "figures": gettext_lazy("Figures"),
    "label": gettext_lazy("Label"),
    "language": gettext_lazy("Language"),
    "length": gettext_lazy("Length"),
    "measure_epochs": gettext_lazy("Measured after each epoch"),
    "method": gettext_lazy("Method"),
    "negation": gettext_lazy("Negation"),
    "sentences": pgettext_lazy("a part of rows", "Questions"),
    "source": gettext_lazy("Source"),
    "accuracy": gettext_lazy("Accuracy"),
    "accuracy_when_confident": gettext_lazy("Accuracy when confident"),
    "precision": pgettext_lazy("a metric", "Precision"),
    "recall": gettext_lazy("Recall"),
    "alerts_lost": gettext_lazy("Alerts raised no more on stored news"),
    "alerts_new": gettext_lazy("Alerts raised anew on stored news"),
    "candidates": gettext_lazy("Texts to choose among"),
    "conversations": gettext_lazy("Conversations that go as written"),
    "coverage": gettext_lazy("Coverage"),
    "data": gettext_lazy("Data set"),
    "ece": gettext_lazy("Calibration error (ECE)"),
    "epochs": gettext_lazy("Epochs"),
    "exact_match": gettext_lazy("Exact match"),
    "f1": gettext_lazy("F1"),
    "final_accuracy": gettext_lazy("Answers that are right in the end"),
    "flagged": gettext_lazy("Share of texts with a label"),
    "in_scope_accuracy_at_threshold": gettext_lazy("In-scope rows kept and right"),
    "label_recall": gettext_lazy("Recall of labels"),
    "latency_ms": gettext_lazy("Latency, ms"),
    "learning_rate": gettext_lazy("Learning rate"),
    "macro_f1": gettext_lazy("Macro F1"),
    "mean_average_precision": gettext_lazy("Mean average precision"),
    "micro_f1": gettext_lazy("Micro F1"),
    "micro_precision": gettext_lazy("Micro precision"),
    "micro_recall": gettext_lazy("Micro recall"),
    "minutes": gettext_lazy("Minutes of training"),
    "mrr@10": gettext_lazy("Mean reciprocal place (MRR@10)"),
    "n": gettext_lazy("Rows measured"),
    "n_oos": gettext_lazy("Out-of-scope rows measured"),
    "oos_auroc": gettext_lazy("Out-of-scope AUROC"),
    "oos_fpr95": gettext_lazy("In-scope rows refused to find 95 in 100 out of scope"),
    "oos_recall": gettext_lazy("Out-of-scope recall"),
    "out_of_scope": gettext_lazy("Out of scope"),
    "pseudo_rows": gettext_lazy("Rows with guessed labels"),
    "recall@1": gettext_lazy("The right text first"),
    "recall@3": gettext_lazy("The right text among three"),
    "recipe": gettext_lazy("Recipe"),
    "robustness": gettext_lazy("On changed texts (slips, names, case)"),
    "rows": gettext_lazy("Rows measured"),
    "train_rows": gettext_lazy("Rows trained on"),
    "size_bytes": gettext_lazy("Size, MB"),
    "slips_mrr@10": gettext_lazy("MRR@10 with typing slips"),
    "slips_recall@1": gettext_lazy("The right text first, with typing slips"),
    "slices": gettext_lazy("On parts of the rows"),
    "student_accuracy": gettext_lazy("Accuracy of the student that was not kept"),
    "teacher_accuracy": gettext_lazy("Accuracy of the teacher"),
    "trainable_parameters": gettext_lazy("Trainable parameters"),
    "untuned_mrr@10": gettext_lazy("MRR@10 before tuning"),
    "untuned_recall@1": gettext_lazy("The right text first, before tuning"),
    "untuned_recall@3": gettext_lazy("The right text among three, before tuning"),
}
_SETTINGS = {
    "plain": gettext_lazy("plain"),
    "shipped": gettext_lazy("shipped"),
    "True": pgettext_lazy("a switch", "yes"),
    "False": pgettext_lazy("a switch", "no"),
}


_COUNTS = ("n", "rows", "conversations", "alerts_lost", "alerts_new")
_KINDS = {
    "classification": gettext_lazy("one label"),
    "multi_label": gettext_lazy("several labels"),
    "ner": gettext_lazy("entities"),
    "embedding": gettext_lazy("vectors"),
}
_TASKS = {
    "encoder": gettext_lazy("whether an item fits"),
    "intent": gettext_lazy("matter of the message"),
    "ner": gettext_lazy("names in the text"),
    "sentiment": gettext_lazy("sentiment of the text"),
    "targeted_sentiment": gettext_lazy("sentiment in one company of several"),
    "topic": gettext_lazy("topic of the text"),
    "toxicity": gettext_lazy("abuse in the text"),
}
_ORDERS = {
    "margin": gettext_lazy("two labels close together first"),
    "entropy": gettext_lazy("most doubt over all labels first"),
    "mixed": gettext_lazy("doubtful and unlike each other"),
    "random": gettext_lazy("at random"),
    "disagreement": gettext_lazy("where another version answers otherwise first"),
    "drift": gettext_lazy("least like the training texts first"),
}
_OPENED = 2_000  # characters of a text that can be explained
_PARTS = re.compile(r"[^_/]+[_/]*|[_/]+")


@register.simple_tag
def prediction_url(task: str, text: str) -> str:
    """The page that opens what the live version of a task says of a text."""
    asked = urlencode({"task": task, "text": text[:_OPENED]}, quote_via=quote)
    return f"{reverse('modelhub:prediction')}#{asked}"


@register.filter
def breakable(label: object) -> SafeString:
    """A label that a narrow column may break behind its underscores and slashes, not elsewhere."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((p,) for p in _PARTS.findall(str(label))))


@register.filter
def entity_pieces(example: LabelledExample) -> list[tuple[str, str]]:
    """The example's text cut at its entities."""
    return pieces(example.text, example.spans or [])


@register.filter
def milliseconds(seconds: float) -> str:
    """A time in seconds as milliseconds: ``0.0041`` is ``4.1``."""
    value = seconds * 1000
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


@register.filter
def percent(share: float) -> str:
    """A share in [0, 1] as a percentage: ``0.9132`` is ``91.3%``."""
    return f"{share:.1%}"


@register.filter
def signed_points(difference: float) -> str:
    """A difference of two shares in percentage points with its sign: ``-0.1432`` is ``-14.3``."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def metric(value: object) -> str:
    """A share or a score with three decimals, a larger number with one; a count as it is."""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if abs(value) > 1:
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.1f}"
    return f"{value:.3f}"


@register.filter
def measure(name: str) -> str:
    """A metric's or a threshold's name in words: ``macro_f1`` is ``Macro F1``."""
    words = name.replace("_", " ")
    return str(_NAMES.get(name, words[:1].upper() + words[1:]))


@register.filter
def setting(value: object) -> str:
    """What was set, as people write it: ``3.0`` is ``3``; a recipe and a switch in words."""
    return f"{value:g}" if isinstance(value, float) else str(_SETTINGS.get(str(value), value))


@register.filter
def kind_name(kind: str) -> str:
    """What a model says of a text, in words."""
    return str(_KINDS.get(kind, kind))


@register.filter
def task_words(task: str) -> str:
    """What a task's examples say of a text, in words."""
    return str(_TASKS.get(task, task.replace("_", " ")))


@register.filter
def order_name(strategy: str) -> str:
    """The order of a queue of labelling, in words."""
    return str(_ORDERS.get(strategy, strategy))


@register.filter
def bound(value: float | None, name: str) -> str:
    """A number of a gate's check by the check's name; nothing where there is none."""
    if value is None:
        return "–"
    if name == "size_bytes":
        return f"{value / 1e6:.1f}"
    if name == "latency_ms":
        return f"{value:.1f}"
    return f"{value:,.0f}" if name in _COUNTS else f"{value:.3f}"


@register.filter
def gate_details(gate: dict[str, Any]) -> list[tuple[str, Any]]:
    """The templates of apps that show what lies behind a verdict, each with what it shows."""
    return details_shown(gate)


@register.filter
def part(group: str, name: str) -> str:
    """A part of the rows, of the slice of that name, in words."""
    return part_name(group, name)


@register.filter
def worse_slices(slices: list[dict[str, Any]]) -> bool:
    """Whether a part of the rows fails."""
    return any(one["verdict"] == "worse" for one in slices)


@register.filter
def is_number_judged(check: dict[str, Any]) -> bool:
    """Whether a check stands for several that hold, whose number is its note."""
    return check["passed"] and check["name"] in ("label_recall", "slices")


@register.filter
def chance(probability: float) -> str:
    """A p-value: ``0.0312`` is ``0.031``, what is below a thousandth ``< 0.001``."""
    return f"{probability:.3f}" if probability >= 0.001 else "< 0.001"


@register.filter
def lower_first(words: str) -> str:
    """Words within a sentence: ``Accuracy`` is ``accuracy``, ``F1`` stays."""
    return words if words[1:2].isdigit() else words[:1].lower() + words[1:]


@register.filter
def duration(seconds: float) -> str:
    """A time as people say it: ``95`` is ``1 min 35 s``."""
    whole = max(1, round(seconds))
    minutes, left = divmod(whole, 60)
    told = {"hours": minutes // 60, "minutes": minutes, "seconds": left}
    if not minutes:
        return gettext("%(seconds)s s") % told
    if minutes < 10 and left:
        return gettext("%(minutes)s min %(seconds)s s") % told
    if minutes < 60:
        return gettext("%(minutes)s min") % told
    return gettext("%(hours)s h %(minutes)s min") % (told | {"minutes": minutes % 60})
