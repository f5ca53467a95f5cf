"""Measures how well names in texts are linked to companies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.market import linking
from apps.market.services.companies import shipped_companies
from apps.market.text import read_text
from ml.linking.evaluation import MarkedText, evaluate_links, read_marked
from ml.linking.linker import Linker, Mention

_BATCH = 32


class Command(TrefoilCommand):
    help = "Measure precision and recall of the company linker on texts with marked companies."

    def add_arguments(self, parser: CommandParser) -> None:
        folder = Path(settings.DEMO_DIR) / "linking"
        parser.add_argument(
            "--file",
            type=Path,
            action="append",
            help='JSONL {"text": "[Ford](F) and the [ford](-)", "kind"}, again for more files; '
            "the sets written for this project unless given",
        )
        parser.add_argument(
            "--threshold", type=float, help="least confidence of a link; default: the fitted one"
        )
        parser.add_argument("--no-tagger", action="store_true", help="gazetteer and context alone")
        parser.set_defaults(folder=folder)

    def run(self, **options: Any) -> dict[str, Any]:
        threshold = options["threshold"]
        if threshold is not None and not 0 <= threshold <= 1:
            raise CommandError("--threshold must be between 0 and 1")
        started = time.monotonic()
        companies = {str(number): company for number, company in enumerate(shipped_companies())}
        linker = linking.linker_of(companies.items())
        tickers = {id_: company.ticker for id_, company in companies.items()}
        paths = options["file"] or sorted(options["folder"].glob("*.jsonl"))
        result: dict[str, Any] = {}
        everything: list[MarkedText] = []
        all_links: list[list[Mention]] = []
        for path in paths:
            texts = read_marked(path, tickers.values())
            links = self._links(linker, texts, **options)
            everything += texts
            all_links += links
            result[path.stem] = evaluate_links(texts, links, tickers).as_json()
        total = evaluate_links(everything, all_links, tickers).as_json()
        self._print({**result, "all": total})
        files = {name: {**part, "failures": len(part["failures"])} for name, part in result.items()}
        return {
            "task": "linking",
            **total,
            "files": files,
            "seconds": round(time.monotonic() - started, 1),
        }

    def _links(
        self,
        linker: Linker,
        texts: list[MarkedText],
        *,
        threshold: float | None,
        no_tagger: bool,
        **_: Any,
    ) -> list[list[Mention]]:
        """The links of each text, read as the headline of an article."""
        progress = TerminalProgress("linking")
        links: list[list[Mention]] = []
        more = {} if threshold is None else {"threshold": threshold}
        try:
            for start in range(0, len(texts), _BATCH):
                reads = [read_text(text.text, "")[0] for text in texts[start : start + _BATCH]]
                tagged = [] if no_tagger else gateway.tag(reads)
                for place, text in enumerate(reads):
                    entities = None if no_tagger else tagged[place].entities
                    links.append(linker.link(text, entities, **more))
                progress.update(len(links), len(texts))
        finally:
            progress.close()
        return links

    def _print(self, parts: dict[str, dict[str, Any]]) -> None:
        header = ["set", "texts", "companies", "decoys", "precision", "recall", "f1"]
        rows = []
        for name, part in parts.items():
            counts = [part[key] for key in ("n", "mentions", "decoys")]
            rows.append([name, *counts, *(part[key] for key in ("precision", "recall", "f1"))])
        for kind, figures in parts["all"]["per_kind"].items():
            rows.append([f"  {kind}", "", "", "", *figures.values()])
        self.table(header, rows)
        for failure in parts["all"]["failures"]:
            self.stdout.write(
                f"  {failure['name']!r}: expected {failure['expected']}, found "
                f"{failure['found']} ({failure['confidence'] or 'missed'}): {failure['text']}"
            )
