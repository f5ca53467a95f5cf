"""The team's page on other sites that show recommendations: which, by what tag, as whom."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import NotAllowed
from apps.recommend import selectors
from apps.recommend.embedding_site import identity_read
from apps.recommend.team import team_required

MOST_CHECKED = 400


@dataclass(frozen=True, slots=True)
class Checked:
    """What is true of a pasted identity: the reader that it names, or the ``problem`` with it."""

    reader_id: str = ""
    is_known: bool = False
    hours_left: int = 0
    problem: str = ""


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def other_sites(request: HttpRequest) -> HttpResponse:
    """The listed sites, the tag to paste, and whether a site's identity is signed as it should."""
    given = request.POST.get("identity", "").strip()[:MOST_CHECKED]
    checked = _checked(given) if request.method == "POST" else None
    context = {
        "origins": settings.EMBED_ORIGINS,
        "script": request.build_absolute_uri(static("js/discover/embed.js")),
        "given": given,
        "checked": checked,
    }
    status = 422 if checked and checked.problem else 200
    return render(request, "recommend/other_sites.html", context, status=status)


def _checked(statement: str) -> Checked:
    if not statement:
        return Checked(problem="Paste the identity that the site puts into its page.")
    try:
        reader_id = identity_read(statement)
    except NotAllowed as error:
        return Checked(problem=error.message)
    expires = int(statement.rsplit(".", 2)[1])
    return Checked(
        reader_id,
        selectors.reader_get(reader_id=reader_id) is not None,
        round((expires - time.time()) / 3600),
    )
