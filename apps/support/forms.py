"""Forms of the operators' pages."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.typed import TypedField
from apps.support.article_files import MAX_BODY
from apps.support.models import Article
from apps.support.payloads import MAX_TEXT
from apps.support.services import Content


class ArticleForm(forms.Form):
    """An article as its author writes it; tags between commas, questions one a line."""

    title = forms.CharField(max_length=200)
    body = TypedField(max_length=MAX_BODY)
    slug = forms.SlugField(max_length=110, required=False)
    tags = forms.CharField(max_length=1000, required=False)
    questions = TypedField(max_length=20_000, required=False)
    language = forms.RegexField(
        r"^[a-z]{2,3}(-[a-z]{2,8})?$",
        error_messages={"invalid": 'Write a code such as "en" or "zh-hans".'},
    )
    audience = forms.ChoiceField(choices=Article.Audience.choices)

    @staticmethod
    def of(article: Article) -> dict[str, Any]:
        """The values that the form shows of an article."""
        return {
            "title": article.title,
            "body": article.body,
            "tags": ", ".join(article.tags),
            "questions": "\n".join(article.questions),
            "language": article.language,
            "audience": article.audience,
        }

    def content(self, *, published: bool) -> Content:
        """What to store of a valid form."""
        data = self.cleaned_data
        return Content(
            title=data["title"],
            body=data["body"],
            tags=_parts(data["tags"].split(",")),
            questions=_parts(data["questions"].splitlines()),
            language=data["language"],
            audience=data["audience"],
            published=published,
        )


class MacroForm(forms.Form):
    """A macro; the name is what ``/`` finds it by."""

    name = forms.CharField(max_length=60)
    text = TypedField(max_length=MAX_TEXT)


def _parts(parts: list[str]) -> tuple[str, ...]:
    """Without blanks and repeats, in the order given."""
    return tuple(dict.fromkeys(filter(None, (part.strip() for part in parts))))
