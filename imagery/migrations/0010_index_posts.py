from typing import Any

from django.db import migrations

from imagery import text_index


def index_posts(apps: Any, schema_editor: Any) -> None:
    """In parts, each kept when done: of millions it takes minutes."""
    text_index.catch_up()


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("imagery", "0009_landmarks"),
    ]

    operations = [
        migrations.RunPython(index_posts, migrations.RunPython.noop, elidable=True),
    ]
