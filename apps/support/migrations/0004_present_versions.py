from django.db import migrations


def keep_present_versions(apps, schema_editor):
    """Give each article that there is a row for its present version."""
    version = apps.get_model('support', 'ArticleVersion')
    names = ('title', 'body', 'tags', 'questions', 'language', 'audience', 'published')
    version.objects.bulk_create(
        [
            version(article=article, number=article.version, **{n: getattr(article, n) for n in names})
            for article in apps.get_model('support', 'Article').objects.all()
        ],
        batch_size=200,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0003_articles_for_writers'),
    ]

    operations = [
        migrations.RunPython(keep_present_versions, migrations.RunPython.noop),
    ]
