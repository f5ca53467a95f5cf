"""From labelled rows to a calibrated, measured artifact."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from tokenizers import Tokenizer

from ml.artifacts import Artifact
from ml.data.encoding import load_tokenizer
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import TrainingError
from ml.models.tagger import TokenTagger
from ml.outputs import check_output
from ml.training.classifying import finetune_classifier
from ml.training.evaluated import tell_evaluation
from ml.training.fitting import fit_model, refit_model
from ml.training.kinds import check_settings, passed_over
from ml.training.multi_label import MultiLabelTask
from ml.training.processes import is_main_process
from ml.training.rows import FinetuneRequest
from ml.training.start import with_start
from ml.training.storing import declare, store, with_held_out
from ml.training.tagging import measured_tagger, with_tagger
from ml.training.tasks import TaggerTask
from ml.training.tracking import RunRecord
from ml.training.trainer import ProgressCallback


def finetune(request: FinetuneRequest, progress: ProgressCallback | None = None) -> Artifact:
    """Train, calibrate, measure and store one artifact; returns its declaration.

    Raises :class:`DataError` (a row or file is unusable), :class:`TrainingError` (one class only,
    a loss that is not finite, ...), :class:`ArtifactError` (``request.output`` holds what is no
    artifact). ``request.output`` appears complete or not at all. Of several
    processes (:mod:`ml.training.processes`) the main one stores it; the others' artifact has no
    version. The run is told in ``request.run_folder`` (:mod:`ml.training.tracking`).
    """
    check_output(request.output, again=True)
    if request.config.distil and request.kind != "classification":
        raise TrainingError(f"distillation is for classification, not for {request.kind}")
    check_settings(request.config, request.kind, unlabelled=request.unlabelled_file is not None)
    source = resolve_encoder(request.config.encoder)
    if not is_main_process():
        return _finetune(request, source, progress)
    record = RunRecord(
        request.run_folder, request.name, request.config, request.files, request.observer
    )
    try:
        artifact = _finetune(replace(request, record=record), source, progress)
    except BaseException as error:
        record.break_off(error)
        raise
    record.end(artifact.metrics)
    return artifact


def _finetune(
    request: FinetuneRequest, source: EncoderSource, progress: ProgressCallback | None
) -> Artifact:
    for words in passed_over(request.config):
        request.warned(words)
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    if request.kind == "classification":
        return finetune_classifier(request, source, tokenizer, progress)
    if request.kind == "multi_label":
        return _finetune_multi_label(request, source, tokenizer, progress)
    if request.kind == "ner":
        return _finetune_tagger(request, source, tokenizer, progress)
    from ml.training.finetune_embedding import finetune_embedding

    return finetune_embedding(request, source, tokenizer, progress)


def _finetune_multi_label(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = MultiLabelTask.read(request, source, tokenizer)
    fit = fit_model(request, task.make, task.rows, progress, task.held_out)
    long_texts = task.config.long_texts
    settings = {"long_texts": long_texts} if long_texts != "cut" else {}
    artifact = declare(request, source, list(task.columns), settings, len(task.training))
    artifact, metrics, answers = task.measured(artifact, fit.model)
    if task.config.refit:
        artifact = with_held_out(artifact, request, len(task.valid))
        fit = refit_model(request, task.make, task.all_rows, progress, fit.minutes)
    artifact = store(request, artifact, fit, metrics)
    tell_evaluation(request, artifact, task.valid, answers)
    return artifact


def _finetune_tagger(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = TaggerTask.read(request, source, tokenizer)
    fit = fit_model(request, task.make, task.rows, progress, task.held_out)
    artifact = declare(request, source, list(task.columns), {}, len(task.training))
    model = cast(TokenTagger, fit.model)
    artifact = with_start(with_tagger(artifact, model), request.config)
    artifact, metrics, tags = measured_tagger(artifact, model, task.held_out, task.valid)
    if task.config.refit:
        artifact = with_held_out(artifact, request, len(task.valid))
        fit = refit_model(request, task.make, task.all_rows, progress, fit.minutes)
        artifact = with_tagger(artifact, cast(TokenTagger, fit.model))
    artifact = store(request, artifact, fit, metrics)
    tell_evaluation(request, artifact, task.valid, tags)
    return artifact
