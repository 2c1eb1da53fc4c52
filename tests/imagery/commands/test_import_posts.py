import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from imagery.models import Event

pytestmark = pytest.mark.django_db


def test_a_name_that_is_no_text_is_refused(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff.ndjson"))
    path.write_text("{}")
    with pytest.raises(CommandError, match="not in UTF-8"):
        call_command("import_posts", "storm", str(path))
    assert not Event.objects.exists()


@pytest.mark.parametrize("slug", ["Bad Slug", "../x", "ü", "a" * 64, ""])
def test_an_event_wants_a_proper_name(slug: str, tmp_path: Path):
    (tmp_path / "posts.ndjson").write_text("{}")
    with pytest.raises(CommandError, match="want a name of lower-case letters"):
        call_command("import_posts", slug, str(tmp_path / "posts.ndjson"))
