"""Finds a backbone's published weights: a file at hand, else torchvision's own download.

Weights that are not there are said to be missing; random ones never stand in for them.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagery.core.torchvision_ready import import_torchvision

if TYPE_CHECKING:
    import torch

DOWNLOAD_LIMIT_S = 900.0
# DenseNets were published with names such as norm.1, which torch has long forbidden.
_OLD_DENSENET_KEY = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\."
    r"((?:[12])\.(?:weight|bias|running_mean|running_var))$"
)


class WeightsMissing(RuntimeError):
    """No usable weights; the text says what was looked for, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Published:
    """What torchvision publishes with a model's first weights, those of the usual recipe.

    The first (IMAGENET1K_V1 for nearly all) are trained without label smoothing: their
    softmax is as peaked as the one the similarity threshold was chosen for (paper A §II).
    """

    name: str
    url: str
    classes: list[str]
    transforms: Any  # torchvision's ImageClassification preset
    min_size: tuple[int, int]

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def available() -> list[str]:
    """Names of torchvision's classification models that have published weights, sorted."""
    tv = import_torchvision()
    return sorted(tv.models.list_models(module=tv.models))


def published(name: str) -> Published:
    """Raises ValueError naming an unknown model."""
    tv = import_torchvision()
    if name not in available():
        raise ValueError(f"no torchvision classification model is called {name!r}")
    entry = next(iter(tv.models.get_model_weights(name)))
    side = entry.meta["min_size"]
    return Published(
        name, entry.url, list(entry.meta["categories"]), entry.transforms(), (side[0], side[1])
    )


def find(
    spec: Published, weights_dir: Path | None, cache_dir: Path | None, timeout_s: float
) -> tuple[dict[str, torch.Tensor], str, Path]:
    """State dict, SHA-256 of its file (hex) and the file.

    Looks for weights_dir/<name>.pth, then for the published file in cache_dir, then
    downloads it there; that nobody answers is found out in about timeout_s seconds.
    Raises WeightsMissing.
    """
    looked: list[str] = []
    if weights_dir is not None:
        path = weights_dir / f"{spec.name}.pth"
        if path.is_file():
            return *read(path), path
        looked.append(f"{path} (no such file)")
    else:
        looked.append("a weights folder (none is set)")
    if cache_dir is None:
        looked.append("a download (no cache folder is set)")
    else:
        path = cache_dir / spec.file_name
        problem = "" if path.is_file() else _download(spec.url, path, timeout_s)
        if not problem:
            return *read(path, _published_prefix(path)), path
        looked.append(f"{spec.url} ({problem})")
    raise WeightsMissing(
        f"No weights for {spec.name}. Looked for: {'; '.join(looked)}. Either connect to the "
        f"network and try again, or fetch {spec.url} elsewhere, save it as {spec.name}.pth and "
        "set IMAGERY_WEIGHTS_DIR to its folder."
    )


def read(path: Path, sha_prefix: str = "") -> tuple[dict[str, torch.Tensor], str]:
    """State dict and SHA-256 of a .pth file, without running any code from it.

    Raises WeightsMissing, naming the file, where it is cut short, is a web page saved as
    weights, holds something else, or its hash does not start with sha_prefix.
    """
    import torch

    try:
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsMissing(f"{path} cannot be read: {error.strerror}") from error
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsMissing(f"{path} is a web page, not weights: delete it and fetch it again")
    if not digest.startswith(sha_prefix):
        raise WeightsMissing(
            f"{path} is cut short or altered: its SHA-256 starts {digest[:8]}, its name says "
            f"{sha_prefix}. Delete it and fetch it again"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
        UnicodeDecodeError,
        OSError,
    ) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise WeightsMissing(f"{path} is no readable weights file (cut short?): {reason}") from None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise WeightsMissing(f"{path} holds a {type(state).__name__}, not a model's state dict")
    for key in list(state):  # in place: the dict carries the layers' versions with it
        renamed = _OLD_DENSENET_KEY.sub(r"\1\2", key)
        if renamed != key:
            state[renamed] = state.pop(key)
    return state, digest


def _published_prefix(path: Path) -> str:
    """The start of the SHA-256 that torchvision puts into its file names."""
    found = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    return found.group(1) if found else ""


def _download(url: str, path: Path, timeout_s: float) -> str:
    """Fetch with torch.hub, which checks the hash and renames at the end. Why not, or ''."""
    import torch

    problem = _within(timeout_s + 1, lambda: _answers(url, timeout_s))
    if problem:
        return problem

    def fetch() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.load_state_dict_from_url(
            url,
            model_dir=str(path.parent),
            map_location="cpu",
            progress=False,
            check_hash=True,
            weights_only=True,
        )

    return _within(DOWNLOAD_LIMIT_S, fetch)


def _answers(url: str, timeout_s: float) -> None:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 (torchvision's own address)
    with urllib.request.urlopen(request, timeout=timeout_s):  # noqa: S310
        pass


def _within(limit_s: float, action: Callable[[], None]) -> str:
    """Run beside this thread for at most limit_s: name look-up knows no time limit of its own.

    Returns why it failed, or ''.
    """
    outcome: list[str] = []

    def attempt() -> None:
        try:
            action()
        except urllib.error.HTTPError as error:
            outcome.append(f"the server answered {error.code}")
        except urllib.error.URLError as error:
            outcome.append(f"download failed: {error.reason}")
        except (OSError, RuntimeError, pickle.UnpicklingError) as error:
            outcome.append(f"download failed: {error}")
        else:
            outcome.append("")

    thread = threading.Thread(target=attempt, daemon=True, name="weights")
    thread.start()
    thread.join(limit_s)
    return outcome[0] if outcome else f"no answer in {limit_s:.0f} s"
