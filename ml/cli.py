"""Command line of the language layer for those who use it without Django."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import cast

from tqdm import tqdm

from ml.artifacts import TOKENIZER
from ml.data.columns import parsed_columns
from ml.data.prepare import PREPARATIONS, prepare
from ml.data.report import data_report, summary
from ml.data.text_tools import Encoder, Report, TextTools, encoder_tools
from ml.errors import MLError, ModelNotFound
from ml.files import file_problem
from ml.outputs import check_output
from ml.reports.folder import PAGE, write_report
from ml.runtime import RuntimeSettings, available_cores
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore


def make_parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(prog="python -m ml.cli", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparation = commands.add_parser("prepare", help="make a shipped task's training files")
    preparation.add_argument(
        "task", choices=sorted(PREPARATIONS), help="the task, or a part of its rows"
    )
    preparation.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    preparation.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder for <task>_train.jsonl and <task>_valid.jsonl",
    )
    report = commands.add_parser("data-report", help="what is in a data set, and wrong with it")
    report.add_argument(
        "--train", type=Path, required=True, help="training rows: a file or a data set's folder"
    )
    report.add_argument(
        "--valid", type=Path, help="held-out rows: also look for rows in both files"
    )
    report.add_argument(
        "--kind",
        choices=("classification", "multi_label", "ner"),
        default="classification",
        help="the kind of task that the rows are for (default: %(default)s)",
    )
    report.add_argument(
        "--columns",
        default="",
        help="columns of the files that are called otherwise, as text=sentence,label=intent",
    )
    report.add_argument("--output", type=Path, required=True, help="a new folder for the report")
    report.add_argument(
        "--models",
        type=Path,
        default=Path("var/models"),
        help="folder of built models (default: %(default)s)",
    )
    report.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command; returns the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        _prepare(options) if options.command == "prepare" else _data_report(options)
    except OSError as error:
        sys.stderr.write(f"{file_problem(error)}\n")
        return 1
    except MLError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _prepare(options: argparse.Namespace) -> None:
    counts = prepare(options.task, options.data, options.output)
    sys.stdout.write(json.dumps(counts) + "\n")


def _data_report(options: argparse.Namespace) -> None:
    check_output(options.output)
    with tqdm(unit="steps", file=sys.stderr) as bar:

        def report(done: int, total: int, title: str) -> None:
            if bar.desc != f"{title}: ":
                bar.reset(total)
                bar.set_description(title, refresh=False)
            bar.update(done - bar.n)

        tools = _encoder_tools(options.models, report)
        found = data_report(
            options.train,
            options.valid,
            kind=options.kind,
            columns=parsed_columns(options.columns, "--columns"),
            tools=tools,
            report=report,
        )
    write_report(options.output, "data", found)
    if tools.embed is None:
        sys.stderr.write(
            f"{options.models} holds no built encoder: no token counts, no label noise\n"
        )
    if options.json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    sys.stdout.write("".join(f"{line}\n" for line in summary(found)))
    sys.stdout.write(f"{options.output / PAGE}\n")


def _encoder_tools(models: Path, report: Report) -> TextTools:
    """The tools of the active encoder in the folder of built models; none where there is none."""
    store = ModelStore(models)
    try:
        artifact = store.artifact("encoder")
    except ModelNotFound:
        return TextTools()
    folder = models / "encoder" / artifact.version
    encoder = load_predictor(folder, artifact, RuntimeSettings(available_cores(), 1))
    return encoder_tools(cast(Encoder, encoder), folder / TOKENIZER, report)


if __name__ == "__main__":
    sys.exit(main())
