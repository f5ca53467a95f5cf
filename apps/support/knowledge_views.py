"""Screens of the knowledge base for those who write it: list, editor, versions, import."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.core.models import Job
from apps.support import selectors, services
from apps.support.access import permission_needed
from apps.support.article_files import FIELDS, MAX_BODY
from apps.support.forms import ArticleForm
from apps.support.importing import Imported
from apps.support.markdown import safe_html
from apps.support.models import Article, ArticleUpload
from apps.support.selectors.articles import STATES
from apps.support.selectors.health import cited_in, health_of
from apps.support.services import uploads

_PAGE = 30
_writers_only = permission_needed("support.change_articles")


@require_GET
@never_cache
@_writers_only
def article_table(request: HttpRequest) -> HttpResponse:
    """All articles, drafts and those of the team included; htmx asks for the table alone."""
    query = request.GET.get("q", "")[:200].strip()
    state = request.GET.get("state", "all")
    state = state if state in STATES else "all"
    tag = request.GET.get("tag", "")[:120]
    rows = selectors.knowledge_base(query=query, state=state, tag=tag)
    filters = request.GET.copy()
    filters.pop("page", None)
    context = {
        "page": Paginator(rows, _PAGE).get_page(request.GET.get("page")),
        "query": query,
        "state": state,
        "states": STATES,
        "tag": tag,
        "tags": selectors.tags_used(),
        "filters": filters.urlencode(),
    }
    partial = getattr(request, "htmx", False)
    template = "support/parts/article_table.html" if partial else "support/knowledge.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@never_cache
@_writers_only
def article_new(request: HttpRequest) -> HttpResponse:
    """Write a new article; ``?title=`` and ``?body=`` begin it."""
    if request.method == "GET":
        draft = {name: request.GET.get(name, "")[:4000] for name in ("title", "body", "questions")}
        return _editor(request, {**draft, "language": "en", "audience": Article.Audience.PUBLIC})
    form = ArticleForm(request.POST)
    if not form.is_valid():
        return _editor(request, request.POST, form=form, status=422)
    try:
        article = services.article_create(
            author=signed_in(request),
            content=form.content(published=_published(request)),
            slug=form.cleaned_data["slug"],
        )
    except Problem as problem:
        return _editor(request, request.POST, problem=problem, status=problem.status)
    return _saved(request, article)


@require_http_methods(["GET", "POST"])
@never_cache
@_writers_only
def article_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change an article; a save over somebody else's is refused and keeps the text."""
    article = selectors.article_edited(slug=slug)
    if request.method == "GET":
        return _editor(request, ArticleForm.of(article), article=article)
    form = ArticleForm(request.POST)
    if not form.is_valid():
        return _editor(request, request.POST, article=article, form=form, status=422)
    version = request.POST.get("version", "")
    try:
        article = services.article_update(
            slug=slug,
            author=signed_in(request),
            content=form.content(published=_published(request)),
            version=int(version) if version.isdecimal() else 0,
        )
    except Problem as problem:
        return _editor(
            request, request.POST, article=article, problem=problem, status=problem.status
        )
    return _saved(request, article)


@require_POST
@_writers_only
def article_preview(request: HttpRequest) -> HttpResponse:
    """The Markdown of the editor as readers will see it: a fragment."""
    body = request.POST.get("body", "")[:MAX_BODY]
    return HttpResponse(safe_html(body) or gettext("Nothing to show yet."))


@require_GET
@_writers_only
def article_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """What the article was, version by version; ``?show=`` is the one that is shown."""
    article = selectors.article_edited(slug=slug)
    wanted = request.GET.get("show", "")
    number = int(wanted) if wanted.isdecimal() else article.version
    shown = selectors.version_get(article=article, number=number)
    context = {
        "article": article,
        "versions": article.versions.select_related("author")[:200],
        "shown": shown,
        "html": safe_html(shown.body),
    }
    return render(request, "support/versions.html", context)


@require_POST
@_writers_only
def article_restore(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    services.article_restore(slug=slug, number=number, author=signed_in(request))
    messages.success(request, gettext("Version %(n)s is the present one again.") % {"n": number})
    return redirect("support:article-edit", slug=slug)


@require_POST
@_writers_only
def article_remove(request: HttpRequest, slug: str) -> HttpResponse:
    services.article_delete(slug=slug, author=signed_in(request))
    messages.success(request, gettext("The article is deleted."))
    return redirect("support:knowledge")


@require_http_methods(["GET", "POST"])
@never_cache
@_writers_only
def article_upload(request: HttpRequest) -> HttpResponse:
    """Choose files to import; they are kept for the preview."""
    problem = None
    if request.method == "POST":
        try:
            upload = uploads.upload_create(
                owner=signed_in(request), files=request.FILES.getlist("files")
            )
        except Problem as error:
            problem = error
        else:
            return redirect("support:import", upload_id=upload.id)
    context = {"problem": problem, "most": uploads.MAX_BYTES // 2**20}
    return render(
        request, "support/upload.html", context, status=problem.status if problem else 200
    )


@require_http_methods(["GET", "POST"])
@never_cache
@_writers_only
def article_import(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What the upload holds and what importing it does; posting ``import`` does it."""
    upload = selectors.upload_get(upload_id=upload_id, owner=signed_in(request))
    if upload.job is not None:
        job = Job.objects.filter(id=upload.job).first()
        return render(request, "support/import.html", {"upload": upload, "job": job})
    mapping = {field: request.POST[field] for field in FIELDS if request.POST.get(field)}
    if "import" not in request.POST:
        return _preview(request, upload, mapping)
    try:
        outcome = uploads.upload_import(
            upload=upload,
            owner=signed_in(request),
            mapping=mapping,
            skip_bad="skip_bad" in request.POST,
            as_drafts="as_drafts" in request.POST,
        )
    except Problem as problem:
        return _preview(request, upload, mapping, problem)
    if isinstance(outcome, Imported):
        messages.success(request, _outcome_words(outcome))
        return redirect(reverse("support:knowledge") + "?imported=1")
    return redirect("support:import", upload_id=upload.id)


def _preview(
    request: HttpRequest,
    upload: ArticleUpload,
    mapping: dict[str, str],
    problem: Problem | None = None,
) -> HttpResponse:
    preview = uploads.upload_preview(upload=upload, mapping=mapping)
    context = {
        "upload": upload,
        "preview": preview,
        "problem": problem,
        "fields": [(field, preview.mapping.get(field, "")) for field in FIELDS],
    }
    status = problem.status if problem else 200
    return render(request, "support/import.html", context, status=status)


def _outcome_words(outcome: Imported) -> str:
    stored = outcome.created + outcome.updated
    words = ngettext("%(n)s article is imported.", "%(n)s articles are imported.", stored)
    said = words % {"n": stored}
    if outcome.unchanged:
        said += " " + gettext("%(n)s had not changed.") % {"n": outcome.unchanged}
    if outcome.skipped:
        said += " " + gettext("%(n)s bad rows were left out.") % {"n": outcome.skipped}
    return said


def _editor(
    request: HttpRequest,
    values: Any,
    *,
    article: Article | None = None,
    form: ArticleForm | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> HttpResponse:
    errors = {name: " ".join(map(str, form.errors[name])) for name in form.errors} if form else {}
    context = {
        "article": article,
        "values": values,
        "errors": errors | (problem.fields if problem else {}),
        "problem": problem,
        "audiences": Article.Audience.choices,
        # A refused save keeps the version that its author has read.
        "version": values.get("version") or (article.version if article else 0),
    }
    if article is not None:
        context["health"] = health_of(article=article)
        context["cited_in"] = cited_in(article=article, operator=signed_in(request))
    return render(request, "support/editor.html", context, status=status)


def _published(request: HttpRequest) -> bool:
    return request.POST.get("save") != "draft"


def _saved(request: HttpRequest, article: Article) -> HttpResponse:
    words = gettext("Published.") if article.published else gettext("Saved as a draft.")
    messages.success(request, words)
    return redirect("support:article-edit", slug=article.slug)
