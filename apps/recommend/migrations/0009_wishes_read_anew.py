from __future__ import annotations

from typing import Any

from django.db import migrations


def forget_vectors(apps: Any, schema_editor: Any) -> None:
    """A sentence's vectors are those of its parts, and the parts are told apart otherwise now: the
    pages pass over them until the background task has read the sentence anew."""
    apps.get_model("recommend", "Reader").objects.exclude(wish="").update(wish_encoder="")


class Migration(migrations.Migration):
    dependencies = [("recommend", "0008_coming_vectors")]

    operations = [migrations.RunPython(forget_vectors, migrations.RunPython.noop)]
