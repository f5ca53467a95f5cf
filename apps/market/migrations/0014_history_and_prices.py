import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, F, OuterRef, Subquery, When


def remember(apps, schema_editor):
    """Scores of before are known since their news arrived (an archive's: since it was out)."""
    Score = apps.get_model("market", "Score")
    Article = apps.get_model("market", "Article")
    article = Article.objects.filter(id=OuterRef("article"))
    Score.objects.update(
        known_at=Subquery(
            article.annotate(
                known=Case(When(live=True, then=F("received_at")), default=F("published_at"))
            ).values("known")
        ),
        novelty=Subquery(article.values("novelty")),
        source_weight=Subquery(article.values("source__weight")),
    )


class Migration(migrations.Migration):
    dependencies = [("market", "0013_source_settings")]

    operations = [
        migrations.AddField("score", "known_at", models.DateTimeField(null=True, db_index=True)),
        migrations.AddField("score", "novelty", models.FloatField(default=1.0)),
        migrations.AddField("score", "source_weight", models.FloatField(default=1.0)),
        migrations.RunPython(remember, migrations.RunPython.noop),
        migrations.AlterField("score", "known_at", models.DateTimeField(db_index=True)),
        migrations.CreateModel(
            name="PastScore",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("published_at", models.DateTimeField()),
                ("negative", models.FloatField()),
                ("positive", models.FloatField()),
                ("relevance", models.FloatField()),
                ("novelty", models.FloatField()),
                ("source_weight", models.FloatField()),
                ("versions", models.JSONField(default=dict)),
                ("known_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("article", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="past_scores", to="market.article")),
                ("company", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="past_scores", to="market.company")),
            ],
            options={
                "indexes": [models.Index(fields=["company", "-published_at"], name="market_past_company_16d5c8_idx")],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("close", models.FloatField()),
                ("company", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="market.company")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("company", "day"), name="market_price_once")],
            },
        ),
    ]
