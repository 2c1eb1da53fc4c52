"""Imports point one way, and heavy libraries load late: proven in fresh interpreters."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("imagery", "analytics", "labeling")
HEAVY = ("torch", "torchvision", "openvino", "sklearn", "skimage", "cv2")


def _modules(*patterns: str) -> list[str]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in found
    )


def _loaded_after(modules: list[str], names: tuple[str, ...], django: bool) -> list[str]:
    setup = "import django; django.setup()" if django else ""
    code = (
        f"import sys\n{setup}\n"
        + "".join(f"import {module}\n" for module in modules)
        + f"print([n for n in {names!r} if n in sys.modules])"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.strip().splitlines()[-1])


def test_core_knows_no_django_and_loads_no_torch():
    modules = _modules(*(f"{app}/core/**/*.py" for app in APPS), "imagery/sources/*.py")
    assert len(modules) > 20
    assert _loaded_after(modules, ("django", "torch", "celery"), django=False) == []


def test_tasks_and_web_load_nothing_heavy():
    modules = [*_modules("*/tasks.py"), "config.urls", "config.wsgi"]
    assert _loaded_after(modules, HEAVY, django=True) == []


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(ROOT.glob("imagery/**/*.py")), ids=str)
def test_imagery_knows_neither_sibling(path):
    assert not {name for name in _imports(path) if name.split(".")[0] in ("analytics", "labeling")}


@pytest.mark.parametrize("app", APPS)
def test_core_knows_nobody_above_it(app):
    allowed = tuple(f"{other}.core" for other in APPS)
    for path in (ROOT / app / "core").rglob("*.py"):
        above = {
            name
            for name in _imports(path)
            if name.split(".")[0] in APPS and not name.startswith(allowed)
        }
        assert not above, path
