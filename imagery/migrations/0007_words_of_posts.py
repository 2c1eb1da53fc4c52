from typing import Any

from django.db import migrations, models
from django.db.models.functions import Lower

from imagery import text_index


def make_index(apps: Any, schema_editor: Any) -> None:
    text_index.prepare(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("imagery", "0006_posts_by_time"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=models.Index(models.F("event"), Lower("handle"), name="account_by_handle"),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(
                fields=["event"], condition=models.Q(selected=False), name="post_left_out"
            ),
        ),
        migrations.RunPython(make_index, migrations.RunPython.noop),
    ]
