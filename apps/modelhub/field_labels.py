"""What pages call the fields of their forms, by the names that the API has for them: a problem is
told with these on the page, and with the names by the API."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext, pgettext


def loop_labels() -> dict[str, str]:
    """Of the form that sets a nightly loop."""
    return {
        "dataset": gettext("Data set"),
        "least_new": gettext("New corrections, at least"),
        "hour": gettext("Hour (%(zone)s)") % {"zone": timezone.get_current_timezone_name()},
        "method": gettext("Method"),
        "recipe": gettext("Recipe"),
        "epochs": gettext("Epochs"),
    }


def run_labels() -> dict[str, str]:
    """Of the form that starts a run."""
    return {
        "epochs": gettext("Epochs"),
        "learning_rate": gettext("Learning rate"),
        "method": gettext("Method"),
        "base": gettext("Base encoder"),
        "recipe": gettext("Settings to begin with"),
        "advanced": gettext("Advanced"),
    }


def queue_labels() -> dict[str, str]:
    """Of the form that makes a queue of labelling."""
    return {
        "name": gettext("Name"),
        "task": gettext("Task"),
        "strategy": gettext("Order"),
        "people": gettext("Each text is labelled by"),
        "texts": pgettext("to be labelled", "Texts"),
        "guidelines": gettext("Guidelines"),
    }


def upload_labels() -> dict[str, str]:
    """Of the form that says which column of an uploaded file holds what."""
    return {
        "text": gettext("Text"),
        "label": gettext("Label"),
        "labels": gettext("Labels"),
        "spans": gettext("Entities"),
        "tokens": pgettext("of a sentence", "Words"),
        "tags": gettext("BIO tags"),
        "positive": gettext("Belongs to it"),
        "negative": gettext("Does not (optional)"),
    }
