"""Run one benchmark with its options, or all: `python -m benchmarks [NAME [OPTION…]]`."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import benchmarks

NAMES = [
    module.name
    for module in pkgutil.iter_modules(benchmarks.__path__)
    if not module.name.startswith("_")
]


def main(arguments: list[str]) -> int:
    if not arguments:
        # Each in a process of its own: peaks of memory and settings are a process's.
        return max(subprocess.call([sys.executable, "-m", "benchmarks", name]) for name in NAMES)
    name, *options = arguments
    if name not in NAMES:
        print(f"no benchmark {name!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    print(f"\n== {name}", flush=True)
    importlib.import_module(f"benchmarks.{name}").main(options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
