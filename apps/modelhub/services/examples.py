"""The door through which the apps hand over corrections."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotFound, Problem, unusable
from apps.modelhub.files import rows_read
from apps.modelhub.models import DataSetVersion, LabelledExample, LabelRow
from ml.data.row_kinds import NOTHING, text_of
from ml.data.text import label_form
from ml.errors import DataError
from ml.labelling.spans import Span, whole_words

MAX_TEXT = 20_000
MAX_LABEL = 120


def example_add(
    *,
    app: str,
    task: str,
    text: str,
    new_label: str,
    old_label: str = "",
    confidence: float | None = None,
    model_version: str = "",
    actor: Any | None = None,
    subject: str = "",
    provenance: dict[str, Any] | None = None,
    spans: Sequence[Span] | None = None,
    old_spans: Sequence[Span] | None = None,
    decides: bool = False,
) -> LabelledExample:
    """Store a correction as a labelled example, in the caller's transaction or its own.

    ``confidence`` is the model's in its old label, in [0, 1]; ``provenance`` says more about what
    was corrected. ``subject`` names that object: the same person's earlier correction of it is
    replaced. ``spans`` are entities as :func:`entities_add` prepares them. Raises ``InvalidInput``
    for an unknown app, an empty or too long text or label.
    """
    new_label = label_form(new_label)
    problems = {
        "app": app not in LabelledExample.App.values,
        "task": not task.strip(),
        "text": not 0 < len(text.strip()) <= MAX_TEXT,
        "new_label": not 0 < len(new_label) <= MAX_LABEL,
        "confidence": confidence is not None and not 0 <= confidence <= 1,
    }
    if bad := unusable(problems, "missing, too long or out of range"):
        raise InvalidInput(
            "The example's %(bad)s cannot be used.",
            fields=bad,
            bad=", ".join(bad),
        )
    values = {
        "app": app,
        "text": text.strip(),
        "old_label": old_label,
        "new_label": new_label,
        "confidence": confidence,
        "model_version": model_version,
        "provenance": provenance or {},
        "spans": None if spans is None else [list(one) for one in spans],
        "old_spans": None if old_spans is None else [list(one) for one in old_spans],
        "decides": decides,
    }
    person = actor if actor is not None and actor.is_authenticated else None
    task = task.strip()
    with transaction.atomic():
        if subject and person is not None:
            example, created = LabelledExample.objects.update_or_create(
                task=task, subject=subject, actor=person, defaults=values
            )
        else:
            example, created = (
                LabelledExample.objects.create(task=task, subject=subject, actor=person, **values),
                True,
            )
        audit_record(
            actor=actor,
            action="example.added" if created else "example.changed",
            object_type="example",
            object_id=example.pk,
        )
    return example


def entities_add(
    *, text: str, spans: Iterable[Span], old_spans: Iterable[Span], **more: Any
) -> LabelledExample:
    """Store where the entities of a text are, each widened to whole words; no entity is an answer.

    The labels of the example name the types of entities. ``more`` is as of :func:`example_add`,
    which see for what is raised; ``InvalidInput`` too for spans that overlap or hold no word.
    """
    cut = len(text) - len(text.lstrip())
    try:
        new = whole_words(text, spans)
        old = whole_words(text, old_spans)
    except ValueError as error:
        raise InvalidInput(
            "Of the entities %(error)s.", fields={"spans": "unusable"}, error=error.args[0]
        ) from error
    return example_add(
        text=text,
        new_label=types_of(new),
        old_label=types_of(old),
        spans=[(start - cut, end - cut, label) for start, end, label in new],
        old_spans=[(start - cut, end - cut, label) for start, end, label in old],
        **more,
    )


def types_of(spans: Sequence[Span]) -> str:
    """The types of entities in words, ``LOC, PER``; no word of the text itself."""
    return ", ".join(sorted({label for _, _, label in spans}))[:MAX_LABEL] or NOTHING


def example_find(*, task: str, subject: str, actor: Any) -> LabelledExample | None:
    """The person's correction of an object, if there is one."""
    return LabelledExample.objects.filter(task=task, subject=subject, actor=actor).first()


def examples_of_others(*, task: str, subject: str, actor: Any) -> list[LabelledExample]:
    """What other people said of the object, the last first; a verdict before all."""
    found = LabelledExample.objects.filter(task=task, subject=subject).exclude(actor=actor)
    return list(found.select_related("actor").order_by("-decides", "-updated_at"))


def examples_said(*, task: str, subjects: Sequence[str]) -> dict[str, str]:
    """What was said last of each object of which something was, a verdict before all."""
    found = LabelledExample.objects.filter(task=task, subject__in=subjects)
    return dict(found.order_by("decides", "updated_at").values_list("subject", "new_label"))


def examples_said_by(*, task: str, subjects: Sequence[str], actor: Any) -> dict[str, str]:
    """What one person said of each object of which they said something."""
    found = LabelledExample.objects.filter(task=task, subject__in=subjects, actor=actor)
    return dict(found.values_list("subject", "new_label"))


def example_labels(*, task: str) -> list[str]:
    """The labels that people gave for ``task``, sorted."""
    found = LabelledExample.objects.filter(task=task).values_list("new_label", flat=True)
    return sorted(set(found))


def example_undo(*, task: str, subject: str, actor: Any) -> None:
    """Take back one's own correction of an object; raises ``NotFound`` if there is none."""
    with transaction.atomic():
        example = LabelledExample.objects.filter(task=task, subject=subject, actor=actor).first()
        if example is None:
            raise NotFound("You have not corrected this.", code="example_not_found")
        _remove(example, actor)


def example_discard(*, example_id: int, actor: Any) -> None:
    """Take a correction, whoever made it, out of what later versions learn from."""
    with transaction.atomic():
        example = LabelledExample.objects.filter(pk=example_id).first()
        if example is None:
            raise NotFound("There is no such example.", code="example_not_found")
        _remove(example, actor)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many corrections were deleted, and the versions of data sets that hold their texts."""

    number: int
    datasets: tuple[str, ...]


def examples_forget(*, tasks: Collection[str], subjects: Sequence[str]) -> Forgotten:
    """Delete the corrections of objects, whoever made them, in the caller's transaction.

    Versions of data sets never change; those that hold one of the texts are named.
    """
    return _forget(LabelledExample.objects.filter(task__in=tasks, subject__in=subjects))


def examples_forget_of(*, app: str, actor: Any) -> Forgotten:
    """Delete what a person corrected in an app, in the caller's transaction; else as above."""
    return _forget(LabelledExample.objects.filter(app=app, actor=actor))


def _forget(examples: QuerySet[LabelledExample]) -> Forgotten:
    texts = set(examples.values_list("text", flat=True))
    LabelRow.objects.filter(text__in=texts).delete()
    number, _ = examples.delete()
    return Forgotten(number, tuple(_datasets_with(texts)) if texts else ())


def examples_detach(*, tasks: Collection[str], subjects: Sequence[str]) -> int:
    """Keep the corrections of objects without a trace to them; returns how many."""
    examples = LabelledExample.objects.filter(task__in=tasks, subject__in=subjects)
    return examples.update(subject="", provenance={})


def _datasets_with(texts: set[str]) -> list[str]:
    """Versions that hold one of the texts, blanks aside: of tagged words those are not known."""
    found, wanted = [], {_squeezed(text) for text in texts}
    for version in DataSetVersion.objects.select_related("dataset"):
        try:
            rows = rows_read(version.sha256, str(version), version.dataset.kind)
        except (Problem, DataError):  # a file that is gone holds nothing
            continue
        if any(_squeezed(text_of(row)) in wanted for row in rows):
            found.append(str(version))
    return found


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _remove(example: LabelledExample, actor: Any) -> None:
    audit_record(
        actor=actor,
        action="example.removed",
        object_type="example",
        object_id=example.pk,
        task=example.task,
        label=example.new_label,
    )
    example.delete()
