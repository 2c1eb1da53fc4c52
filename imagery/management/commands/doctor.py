"""Say what is configured, reachable and missing, and what to do."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from imagery import doctor


class Command(BaseCommand):
    help = "Look at everything that it takes to run; exit code 1 where something is broken."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for finding in doctor.findings():
            found.append(finding)
            if not options["json"]:
                self.stdout.write(str(finding))
        n_bad = sum(one.level == "bad" for one in found)
        if options["json"]:
            told = {"healthy": not n_bad, "findings": [one.as_dict() for one in found]}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=1))
        if n_bad:
            sys.exit(1)
