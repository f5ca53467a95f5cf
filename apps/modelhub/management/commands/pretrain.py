"""Pre-trains an encoder on raw texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.command_arguments import add_epochs, add_method, add_seed
from apps.modelhub.measures_table import measures_table
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.resuming import resumable
from apps.modelhub.shipping import is_shipped
from ml.data.dataset_folders import training_splits
from ml.licences import check_shippable, stated_licences
from ml.outputs import check_output
from ml.training.settings.pretraining import OBJECTIVES


class Command(TrefoilCommand):
    help = "Pre-train an encoder on texts without labels; recipes then name it as their encoder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--objective", choices=OBJECTIVES, default="mlm", help="what is learned"
        )
        parser.add_argument("--texts", type=Path, required=True, help="JSONL, CSV, folder or .txt")
        parser.add_argument(
            "--valid", type=Path, help="texts to measure by; default: a share of --texts"
        )
        parser.add_argument("--encoder", help="a name or a folder; default: the recipe's")
        add_method(parser)
        parser.add_argument("--config", type=Path, help="a TOML recipe; default: pretrain.toml")
        add_columns(parser, recipe=True)
        add_epochs(parser)
        add_seed(parser)
        parser.add_argument("--output", type=Path, required=True, help="a new folder")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.training.checkpoints import remove_checkpoints, run_key
        from ml.training.config import load_config
        from ml.training.known_data import known_data, known_weights
        from ml.training.pretrain import PretrainRequest, pretrain
        from ml.training.processes import is_main_process

        target: Path = options["output"]
        check_output(target)
        recipe = options["config"] or settings.BASE_DIR / "ml/training/recipes/pretrain.toml"
        overrides = {key: options[key] for key in ("encoder", "method", "epochs", "seed")}
        config = load_config(recipe, **overrides, columns=columns_given(options))
        if is_shipped(target):
            known = stated_licences(known_data(config))
            check_shippable(target.name, config.licences.items(), known)
        texts, valid = training_splits(options["texts"], options["valid"])
        files = {"train": texts, "valid": valid}
        key = run_key(config, files, options["objective"], known_weights(config))
        request = PretrainRequest(
            objective=options["objective"],
            texts_file=texts,
            valid_file=valid,
            output=target,
            run_folder=settings.VAR_DIR / "runs" / f"pretrain-{key}",
            config=config,
            warn=self.warn,
        )
        progress = TerminalProgress(f"pre-training ({options['objective']})")
        try:
            with resumable(request.run_folder):
                made = pretrain(request, progress.update)
        finally:
            progress.close()
        if not is_main_process():  # of several, one writes and tells
            raise SystemExit(0)
        remove_checkpoints(request.run_folder)
        self.stdout.write(f"run folder: {request.run_folder}")
        self.table(*measures_table(made.metrics, {}))
        self.stdout.write(f'in a recipe: encoder = "{target}"')
        return {
            "encoder": str(target),
            "sha256": made.source.sha256,
            "run_folder": str(request.run_folder),
            "metrics": made.metrics,
        }
