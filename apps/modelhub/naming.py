"""Whether a model that a command is to train can have the name that it is given.

A version of another kind than its task can never go live (:mod:`apps.modelhub.services.promotions`)
and a joint model is a version of no task, so both are told before hours of training.
"""

from __future__ import annotations

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub import selectors
from ml.errors import MLError
from ml.types import Kind


def check_name(name: str, kind: Kind) -> None:
    """Raise ``InvalidInput`` if models of another kind have the ``name``."""
    expected = selectors.kind_of_task(task=name) or _kind_of_newest(name)
    if expected not in (None, kind):
        raise InvalidInput(
            "%(name)s is of the kind %(expected)s, not %(kind)s; "
            "give the new model a name of its own.",
            name=name,
            expected=expected,
            kind=kind,
        )


def _kind_of_newest(name: str) -> Kind | None:
    """That of the newest build, where none is live: of a joint model none ever is."""
    store = gateway.model_store()
    try:
        versions = store.versions(name)
        return store.artifact(name, versions[-1]).kind if versions else None
    except MLError:  # there is none, or it cannot be served
        return None
