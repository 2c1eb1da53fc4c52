from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class ImageryConfig(AppConfig):
    name = "imagery"

    def ready(self) -> None:
        from imagery import text_index

        connection_created.connect(text_index.add_functions, dispatch_uid="words of posts")
        # A migration that makes the posts' table anew drops its triggers.
        post_migrate.connect(_prepare_words, sender=self, dispatch_uid="words of posts")


def _prepare_words(using: str, **kwargs: Any) -> None:
    from django.db import connections

    from imagery import text_index

    if "imagery_post" in connections[using].introspection.table_names():
        text_index.prepare(connections[using])
