"""Run the benchmarks named on the command line, or all of them."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks

NAMES = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]


def main(wanted: list[str]) -> int:
    names = [name for name in NAMES if not name.startswith("_")]
    for name in wanted or names:
        if name not in names:
            print(f"no benchmark {name!r}; there are: {', '.join(names)}", file=sys.stderr)
            return 2
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
