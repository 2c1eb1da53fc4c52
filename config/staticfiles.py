"""Static files under hashed names, ES module imports included."""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


def collect() -> bool:
    """Collect static files, unless none changed since the last time. Says whether it did."""
    if _newest_source() <= _collected_at():
        return False
    call_command("collectstatic", verbosity=0, interactive=False)
    return True


def _collected_at() -> float:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return manifest.stat().st_mtime if manifest.exists() else 0.0


def _newest_source() -> float:
    """Latest change of any source file, or of the requirements that bring in others."""
    times = [(settings.BASE_DIR / "requirements.txt").stat().st_mtime]
    for finder in get_finders():
        for path, storage in finder.list([]):
            times.append(Path(storage.path(path)).stat().st_mtime)
    return max(times)
