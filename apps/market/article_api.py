"""``articles/<id>/``: one article, where its scores come from, and which words carried them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Article, Mention
from apps.market.selectors import provenance, tape
from apps.market.serializers import NewsArticleSerializer
from apps.market.services import corrections
from apps.modelhub.explaining import explain


class MentionSerializer(serializers.ModelSerializer[Mention]):
    ticker = serializers.CharField(source="company.ticker", read_only=True)
    text = serializers.SerializerMethodField(help_text="the name as the article has it")

    class Meta:
        model = Mention
        fields = ["company", "ticker", "field", "start", "end", "text", "confidence", "evidence"]
        read_only_fields = fields

    def get_text(self, mention: Mention) -> str:
        text: str = getattr(self.context["article"], mention.field)
        return text[mention.start : mention.end]


class ToldAgainSerializer(serializers.ModelSerializer[Article]):
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Article
        fields = ["id", "source", "title", "published_at", "correction"]
        read_only_fields = fields


class OneArticleSerializer(NewsArticleSerializer):
    """An article with the companies named in it and the others of its story, oldest first."""

    mentions = serializers.SerializerMethodField()
    same_story = serializers.SerializerMethodField()

    class Meta(NewsArticleSerializer.Meta):
        fields = [*NewsArticleSerializer.Meta.fields, "mentions", "same_story"]
        read_only_fields = fields

    @extend_schema_field(MentionSerializer(many=True))
    def get_mentions(self, article: Article) -> Any:
        found = MentionSerializer(article.mentions.all(), many=True, context={"article": article})
        return found.data

    @extend_schema_field(ToldAgainSerializer(many=True))
    def get_same_story(self, article: Article) -> Any:
        return ToldAgainSerializer(tape.story_list(article=article), many=True).data


class ArticleView(AnalystView):
    """One article with its scores, the companies named in it and the others of its story."""

    serializer_class = OneArticleSerializer

    def get(self, request: Request, article_id: int) -> Response:
        return Response(OneArticleSerializer(tape.article_get(article_id=article_id)).data)


class ProvenanceView(AnalystView):
    """The models, versions and weights behind each score of an article, replaced ones too, and what
    people said of them."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, article_id: int) -> Response:
        article = tape.article_get(article_id=article_id)
        scores = [one.payload() for one in provenance.origins_of(article=article)]
        said = [one.payload() for one in provenance.decisions_on(article=article)]
        return Response({"article": article.pk, "scores": scores, "decisions": said})


class WhichVerdict(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=sorted(corrections.LABELS))
    company = serializers.IntegerField(required=False)


class WhyView(AnalystView):
    """What each word of the strongest passage adds to a verdict of an article, by occlusion.

    ``pieces`` are the words with their places in ``text``; ``company`` asks about its sentiment.
    """

    @extend_schema(
        parameters=[
            OpenApiParameter("what", enum=sorted(corrections.LABELS), required=True),
            OpenApiParameter("company", int),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, article_id: int) -> Response:
        asked = validated(WhichVerdict(data=request.query_params))
        task, text = corrections.explained_text(
            article=tape.article_get(article_id=article_id),
            what=asked["what"],
            company_id=asked.get("company"),
        )
        return Response(explain(task=task, text=text))
