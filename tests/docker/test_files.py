"""Dockerfile, compose files and scripts, held against their own rules; no engine needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "docker"
OURS = {
    "web", "worker-fetch", "worker-look", "worker-organise", "worker-asked", "collector", "beat",
}  # fmt: skip


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((DOCKER / name).read_text())


def variables(name: str) -> set[str]:
    return set(re.findall(r"\$\{(\w+)", (DOCKER / name).read_text()))


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_compose_files_keep_to_the_compose_specification(name):
    jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(read(name))


def test_the_schema_refuses_what_is_no_compose_file():
    wrong = {"services": {"web": {"imagge": "afterimage"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(wrong)


def test_every_service_is_checked_limited_logged_and_started_again():
    services = read("compose.yaml")["services"]
    assert services.keys() == OURS | {"migrate", "postgres", "redis", "proxy"}
    for name, service in services.items():
        if name == "migrate":
            assert service["restart"] == "no" and service["healthcheck"] == {"disable": True}
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name
        assert "healthcheck" in service or name == "web", name  # web has the image's
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]


def test_ours_begin_when_the_rows_are_ready_and_run_with_no_rights():
    services = read("compose.yaml")["services"]
    for name in OURS:
        service = services[name]
        waits = {on: how["condition"] for on, how in service["depends_on"].items()}
        assert waits == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
        assert service["cap_drop"] == ["ALL"]
        assert service["environment"]["DATABASE_URL"].startswith("postgres://")
        assert service["environment"]["CELERY_BROKER_URL"].startswith("redis://")


def test_workers_take_every_queue_and_each_queue_has_its_own():
    from django.conf import settings

    services = read("compose.yaml")["services"]
    taken = [
        one["environment"]["WORKER_QUEUES"] for name, one in services.items() if "worker" in name
    ]
    assert sorted(taken) == sorted(settings.QUEUES)


def test_roles_are_those_that_the_entry_knows():
    known = set(re.findall(r"^  (\w+)\)", (DOCKER / "entry").read_text(), re.MULTILINE))
    services = read("compose.yaml")["services"]
    asked = {one["command"][0] for name, one in services.items() if name in OURS | {"migrate"}}
    assert asked == {"web", "worker", "collector", "beat", "migrate"} <= known
    checks = [services[name]["healthcheck"]["test"] for name in OURS - {"web"}]
    for check in checks:
        assert check[:3] == ["CMD", "docker/entry", "alive"] and check[3] in known


def test_secrets_come_from_a_file_that_is_never_committed_nor_built_in():
    given = set(re.findall(r"^#?(\w+)=", (DOCKER / "example.env").read_text(), re.MULTILINE))
    assert variables("compose.yaml") - {"TAG"} <= given
    empty = re.findall(r"^(\w+)=$", (DOCKER / "example.env").read_text(), re.MULTILINE)
    assert {"SECRET_KEY", "POSTGRES_PASSWORD"} <= set(empty)
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    assert "**/.env" in (ROOT / ".dockerignore").read_text().split()


def test_variables_of_the_example_are_ones_that_something_reads():
    given = re.findall(r"^#?(\w+)=", (DOCKER / "example.env").read_text(), re.MULTILINE)
    code = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    for name in set(given) - variables("compose.yaml"):
        assert name in code or name.startswith("AWS_"), name


def test_the_gpu_file_adds_to_a_service_that_is_there():
    gpu = read("compose.gpu.yaml")["services"]
    assert set(gpu) == {"worker-look"}
    assert gpu["worker-look"]["build"]["args"] == {"DEVICE": "cuda"}
    assert gpu["worker-look"]["deploy"]["resources"]["reservations"]["devices"][0]["driver"]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DOCKER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_in_particular():
    steps = instructions()
    stages = [at for at, (name, _) in enumerate(steps) if name == "FROM"]
    assert len(stages) == 2
    last = steps[stages[-1] :]
    kinds = [name for name, _ in last]
    assert ("USER", "afterimage") in last
    assert kinds.index("USER") < kinds.index("ENTRYPOINT")
    assert dict(last)["HEALTHCHECK"].endswith('CMD ["docker/entry", "alive", "web"]')
    assert json.loads(dict(last)["ENTRYPOINT"]) == ["docker/entry"]
    assert not any("requirements-dev" in rest for _, rest in steps)
    assert "collectstatic" in "".join(rest for _, rest in steps[: stages[-1]])
    for name, rest in steps:
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_the_entry_says_what_it_knows():
    done = subprocess.run([DOCKER / "entry", "dance"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("usage: docker/entry web|worker|collector|beat|migrate|")
    assert os.access(DOCKER / "entry", os.X_OK)
