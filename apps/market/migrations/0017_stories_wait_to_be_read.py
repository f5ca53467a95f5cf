from datetime import timedelta
from itertools import islice

from django.db import migrations
from django.utils import timezone


def wait_to_be_read(apps, schema_editor):
    """Stories of before are read too, so that a rule about meaning is tried on them; they raise
    no alerts."""
    Meaning = apps.get_model("market", "Meaning")
    Article = apps.get_model("market", "Article")
    since = timezone.now() - timedelta(days=30)
    scored = Article.objects.filter(status="scored", published_at__gte=since)
    rows = scored.values_list("id", "published_at").iterator(2000)
    while batch := list(islice(rows, 2000)):
        Meaning.objects.bulk_create(
            Meaning(article_id=article, at=at, live=False) for article, at in batch
        )


class Migration(migrations.Migration):

    dependencies = [
        ('market', '0016_meanings_and_anomalies_of_rules'),
    ]

    operations = [
        migrations.RunPython(wait_to_be_read, migrations.RunPython.noop),
    ]
