"""Reads of flows, their versions, and the cases that they opened."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import NotFound
from apps.core.signing import secret_of
from apps.support.models import Conversation, FlowVersion, ServiceCase, StoredFlow


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow as the list shows it: its latest and its published version, and who is in it now."""

    flow: StoredFlow
    latest: FlowVersion
    published: FlowVersion | None
    running: int


def flow_list() -> list[FlowRow]:
    flows = list(StoredFlow.objects.prefetch_related("versions"))
    running = _running()
    rows = []
    for flow in flows:
        versions = list(flow.versions.all())
        published = next((one for one in versions if one.state == "published"), None)
        if versions:
            rows.append(FlowRow(flow, versions[0], published, running.get(flow.name, 0)))
    return rows


def flow_get(*, name: str) -> StoredFlow:
    flow = StoredFlow.objects.filter(name=name).first()
    if flow is None:
        raise NotFound("There is no such flow.", code="flow_not_found")
    return flow


def flow_version_get(*, name: str, number: int | None = None) -> FlowVersion:
    """One version of a flow; without ``number`` the latest."""
    rows = FlowVersion.objects.select_related("flow", "author").filter(flow__name=name)
    version = (rows if number is None else rows.filter(number=number)).first()
    if version is None:
        raise NotFound("There is no such version of a flow.", code="flow_not_found")
    return version


def flow_secret(*, flow: StoredFlow) -> str:
    """What the receivers of the flow's webhooks check signatures with."""
    return secret_of(flow.nonce)


def service_case_list(*, limit: int = 50) -> list[ServiceCase]:
    return list(ServiceCase.objects.all()[:limit])


def _running() -> dict[str, int]:
    """How many conversations are in each flow."""
    names = Conversation.objects.filter(
        state=Conversation.State.BOT, flow__run__isnull=False
    ).values_list("flow__run__flow", flat=True)
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted
