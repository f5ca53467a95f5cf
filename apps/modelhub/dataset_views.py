"""Pages of data sets: made from files and corrections, looked at, compared, exported."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import InvalidInput, Problem
from apps.core.typed import typed
from apps.modelhub import selectors, uploads
from apps.modelhub.access import permission_needed
from apps.modelhub.field_labels import upload_labels
from apps.modelhub.models import DataKind, DataSetVersion
from apps.modelhub.selectors import corrections_count
from apps.modelhub.selectors.data_reports import report_get, report_job
from apps.modelhub.services import datasets
from apps.modelhub.services.data_reports import report_start
from apps.modelhub.shown_rows import shown_row
from apps.modelhub.sight import version_seen
from apps.modelhub.uploaded_rows import FIELDS, fields_shown, suffixes_of
from ml.data.conll import conll
from ml.data.row_kinds import names_of
from ml.data.targeting import TARGETED_TASK
from ml.data.versions import canonical, difference

_SHOWN = 100
_CHANGED = 50


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.change_datasets")
def dataset_list(request: HttpRequest) -> HttpResponse:
    """All data sets; posted, a new one."""
    problem = None
    if request.method == "POST":
        try:
            dataset = datasets.dataset_create(
                actor=signed_in(request),
                name=request.POST.get("name", ""),
                task=request.POST.get("task", ""),
                kind=request.POST.get("kind", ""),
            )
        except Problem as error:
            problem = error
        else:
            return redirect("modelhub:dataset", dataset_id=dataset.pk)
    tasks = {info.task for info in gateway.models() if info.kind in DataKind.values}
    context = {
        "datasets": selectors.dataset_list(),
        "tasks": sorted(tasks | set(selectors.example_tasks())),
        "kinds": DataKind.choices,
        "values": request.POST,
        "problem": problem,
    }
    status = problem.status if problem else 200
    return render(request, "modelhub/datasets.html", context, status=status)


@require_GET
@never_cache
@permission_needed("modelhub.change_datasets")
def dataset_detail(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """A data set's versions, and the ways to make the next one."""
    return _detail(request, dataset_id)


def _detail(request: HttpRequest, dataset_id: int, problem: Problem | None = None) -> HttpResponse:
    dataset = selectors.dataset_get(dataset_id=dataset_id)
    corrections = corrections_count(task=dataset.task, kind=dataset.kind)
    context = {
        "dataset": dataset,
        "versions": dataset.versions.select_related("actor"),
        "corrections": corrections.counts,
        "correction_rows": corrections.rows,
        "accepted": ",".join(suffixes_of(dataset.task, dataset.kind)),
        "by_company": dataset.task == TARGETED_TASK,
        "has_shipped": dataset.task in datasets.settings.MODEL_BASE_FILES,
        "most": uploads.MAX_BYTES // 2**20,
        "problem": problem,
    }
    status = problem.status if problem else 200
    return render(request, "modelhub/dataset.html", context, status=status)


@require_POST
@permission_needed("modelhub.change_datasets")
def version_extend(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """A version of a base and the corrections so far."""
    dataset = selectors.dataset_get(dataset_id=dataset_id)
    try:
        version = datasets.version_extend(
            actor=signed_in(request), dataset=dataset, base=request.POST.get("base", "latest")
        )
    except Problem as problem:
        return _detail(request, dataset_id, problem)
    return _made(request, version)


@require_POST
@permission_needed("modelhub.change_datasets")
def upload(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Keep a file for the preview."""
    dataset = selectors.dataset_get(dataset_id=dataset_id)
    try:
        kept = uploads.upload_create(owner=signed_in(request), file=request.FILES.get("file"))
    except Problem as problem:
        return _detail(request, dataset_id, problem)
    return redirect("modelhub:upload-preview", dataset_id=dataset.pk, upload_id=kept.pk)


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.change_datasets")
def upload_preview(request: HttpRequest, dataset_id: int, upload_id: int) -> HttpResponse:
    """What a file holds; posted with ``store``, it becomes a version or the frozen rows."""
    dataset = selectors.dataset_get(dataset_id=dataset_id)
    kept = selectors.upload_get(upload_id=upload_id, owner=signed_in(request))
    mapping = {field: typed(request.POST[field]) for field in FIELDS if request.POST.get(field)}
    problem = None
    if "store" in request.POST:
        given: dict[str, Any] = {
            "actor": signed_in(request),
            "dataset": dataset,
            "upload": kept,
            "mapping": mapping,
            "skip_bad": "skip_bad" in request.POST,
        }
        try:
            if request.POST["store"] == "frozen":
                datasets.dataset_freeze(**given)
                messages.success(
                    request, gettext("These rows are what every version is measured by.")
                )
                return redirect("modelhub:dataset", dataset_id=dataset.pk)
            corrections = "corrections" in request.POST
            version = datasets.version_from_upload(corrections=corrections, **given)
        except Problem as error:
            problem = error
        else:
            return _made(request, version)
    labels = upload_labels()
    preview = uploads.upload_preview(
        upload=kept, task=dataset.task, kind=dataset.kind, mapping=mapping, labels=labels
    )
    context = {
        "dataset": dataset,
        "upload": kept,
        "preview": preview,
        "fields": [
            (field, labels[field], preview.mapping.get(field, ""))
            for field in fields_shown(dataset.kind, preview.mapping)
        ],
        "correction_rows": corrections_count(task=dataset.task, kind=dataset.kind).rows,
        "skip_bad": "skip_bad" in request.POST,
        # While no row could be read the box was not shown, and nobody has turned it off.
        "add_corrections": "corrections" in request.POST or "offered" not in request.POST,
        "problem": problem,
    }
    status = problem.status if problem else 200
    return render(request, "modelhub/upload.html", context, status=status)


@require_GET
@never_cache
@permission_needed("modelhub.change_datasets")
def version_detail(request: HttpRequest, dataset_id: int, number: int) -> HttpResponse:
    """A version's statistics, its rows, and what changed since ``?against=`` or the one before."""
    version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
    context: dict[str, Any] = {"version": version, "dataset": version.dataset}
    context["most_rows"] = max(version.counts.get("labels", {}).values(), default=1)
    context["others"] = [
        other.number for other in version.dataset.versions.all() if other.pk != version.pk
    ]
    try:
        person = signed_in(request)
        rows = version_seen(person, version)
        context["hidden"] = version.rows - len(rows)
        wanted = request.GET.get("label", "")
        context["label"] = wanted
        chosen = (row for row in rows if not wanted or wanted in names_of(row))
        context["rows"] = [shown_row(row) for row in islice(chosen, _SHOWN)]
        old = _other(request, version)
        context["report"] = report_get(version=version, person=person)
        if old is not None:
            context["against"] = old
            found = difference(version_seen(person, old), rows)
            context["changes"] = {
                "added": len(found.added),
                "removed": len(found.removed),
                "relabelled": len(found.relabelled),
            }
            context["relabelled"] = [
                (shown_row(before), shown_row(after))
                for before, after in found.relabelled[:_CHANGED]
            ]
            context["added"] = [shown_row(row) for row in found.added[:_CHANGED]]
            context["removed"] = [shown_row(row) for row in found.removed[:_CHANGED]]
    except Problem as problem:
        context["problem"] = problem
    context["report_job"] = report_job(version=version)
    return render(request, "modelhub/dataset_version.html", context)


@require_POST
@permission_needed("modelhub.change_datasets")
def version_report(request: HttpRequest, dataset_id: int, number: int) -> HttpResponse:
    """Let a worker look for what is wrong with a version."""
    version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
    try:
        report_start(actor=signed_in(request), version=version)
    except Problem as problem:
        messages.error(request, problem.message)
    page = reverse("modelhub:dataset-version", args=[dataset_id, number])
    return redirect(f"{page}#report")


def _other(request: HttpRequest, version: DataSetVersion) -> DataSetVersion | None:
    against = request.GET.get("against", "")
    if against.isdecimal() and len(against) < 10:
        return selectors.dataset_version_get(dataset_id=version.dataset_id, number=int(against))
    return version.parent


@require_GET
@permission_needed("modelhub.change_datasets")
def version_export(request: HttpRequest, dataset_id: int, number: int) -> HttpResponse:
    """A version as JSONL, or with ``?form=conll`` as CoNLL, as ``finetune`` reads it."""
    version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
    return export(version, signed_in(request), request.GET.get("form", "jsonl"))


def export(version: DataSetVersion, person: Any, form: str) -> HttpResponse:
    """The rows of a version that the person may read, as a file to keep.

    Raises ``InvalidInput`` for another form than ``jsonl`` and, of entities, ``conll``, and for
    types that CoNLL cannot hold.
    """
    forms = ("jsonl", "conll") if version.dataset.kind == "ner" else ("jsonl",)
    if form not in forms:
        raise InvalidInput(
            "%(version)s is exported as %(forms)s.",
            code="export_form",
            version=version,
            forms=" or ".join(forms),
        )
    rows = version_seen(person, version)
    if form == "conll":
        try:
            content, content_type = conll(rows), "text/plain; charset=utf-8"
        except ValueError as error:
            raise InvalidInput(
                "%(version)s: %(problem)s; export it as JSONL.",
                code="export_form",
                version=version,
                problem=error.args[0],
            ) from error
    else:
        content, content_type = (
            canonical(rows, version.dataset.task),
            "application/jsonl; charset=utf-8",
        )
    response = HttpResponse(content, content_type=content_type)
    name = f"{version.dataset.task}-{version.dataset_id}-v{version.number}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _made(request: HttpRequest, version: DataSetVersion) -> HttpResponseRedirect:
    words = gettext("Version %(number)s has %(rows)s rows.")
    messages.success(request, words % {"number": version.number, "rows": f"{version.rows:,}"})
    return redirect(
        "modelhub:dataset-version", dataset_id=version.dataset_id, number=version.number
    )
