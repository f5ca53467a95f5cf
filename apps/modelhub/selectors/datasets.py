"""Reads of data sets, their versions and uploads."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.modelhub.models import DataSet, DataSetVersion, Upload


def dataset_list() -> QuerySet[DataSet]:
    return DataSet.objects.select_related("actor").prefetch_related("versions")


def dataset_get(*, dataset_id: int) -> DataSet:
    dataset = dataset_list().filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such data set.")
    return dataset


def dataset_version_get(*, dataset_id: int, number: int) -> DataSetVersion:
    rows = DataSetVersion.objects.select_related("dataset", "parent", "actor")
    # By the data set's own key, not ``dataset_id``: only of that one Django knows that a number too
    # large for the column is nobody's; the other goes to SQLite, which fails.
    version = rows.filter(dataset__pk=dataset_id, number=number).first()
    if version is None:
        raise NotFound("There is no such version of a data set.")
    return version


def upload_get(*, upload_id: int, owner: Any) -> Upload:
    """A person's own upload."""
    upload = Upload.objects.filter(pk=upload_id, owner=owner).first()
    if upload is None:
        raise NotFound("The upload has expired; choose the file again.", code="upload_not_found")
    return upload
