"""The problem details that every endpoint answers with, and health, readiness, metrics."""

from __future__ import annotations

import uuid
from typing import Any

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS

from apps.accounts.models import User
from apps.core import gateway
from ml.errors import DeadlineExceeded, EngineClosed, MLError, ModelNotFound, Overloaded
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
PREDICT = "/api/v1/models/predict/"


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem detail of ``response``, which must have ``status``."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["detail"]
    return body


def test_validation_names_the_fields(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    body = problem(client.post(PREDICT, {"texts": []}, content_type="application/json"), 400)
    assert body["code"] == "invalid_input"
    assert set(body["fields"]) == {"task", "texts"}
    assert "task: " in body["detail"]
    nested = {"task": "intent", "texts": ["fine", {"not": "a text"}, "x" * 20_001]}
    body = problem(client.post(PREDICT, nested, content_type="application/json"), 400)
    assert set(body["fields"]) == {"texts.1", "texts.2"}


def test_a_body_that_is_not_json_is_named(member: User, client_for: ClientFor) -> None:
    response = client_for(member).post(PREDICT, "{", content_type="application/json")
    assert problem(response, 400)["code"] == "parse_error"


def test_who_is_not_signed_in_gets_401(client: Client) -> None:
    response = client.get("/api/v1/accounts/me/")
    assert problem(response, 401)["code"] == "not_authenticated"
    assert "WWW-Authenticate" in response.headers
    refused = client.get("/api/v1/accounts/me/", headers={"authorization": "Token nonsense"})
    assert problem(refused, 401)["code"] == "authentication_failed"


def test_who_may_not_gets_403(member: User, client_for: ClientFor) -> None:
    assert problem(client_for(member).get("/api/v1/models/"), 403)["code"] == "not_allowed"


def test_a_session_without_csrf_token_gets_403(member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    problem(client.post(PREDICT, {}, content_type="application/json"), 403)


def test_an_address_without_a_view_is_told_as_the_rest_of_the_api(client: Client) -> None:
    assert problem(client.get("/api/v1/nowhere/"), 404)["code"] == "not_found"
    assert problem(client.post("/api/v2/"), 404)["code"] == "not_found"
    page = client.get("/nowhere/")
    assert page.status_code == 404
    assert b"<html" in page.content


def test_the_address_of_a_form_is_told_in_a_page(member: User, client_for: ClientFor) -> None:
    answer = client_for(member).get("/accounts/sign-out/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    assert "This address only takes what a form sends." in answer.content.decode()


def test_a_form_from_before_the_sign_in_is_told_in_a_page(member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    answer = client.post("/accounts/sign-out/")
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "load the page anew and send it again" in page
    assert "Trefoil</title>" in page
    assert "CSRF verification" not in page


def test_what_nobody_expected_is_a_problem_detail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.recommend.lists_api.ranked_list", lambda *_, **__: 1 / 0)
    client = Client(raise_request_exception=False)
    answer = problem(client.get("/api/v1/recommend/feed/"), 500)
    assert answer["code"] == "server_error"
    assert "ZeroDivisionError" not in str(answer)


def test_what_is_not_there_gets_404(member: User, client_for: ClientFor) -> None:
    response = client_for(member).get(f"/api/v1/jobs/{uuid.uuid4()}/")
    assert problem(response, 404)["code"] == "not_found"


def test_a_wrong_method_gets_405(member: User, client_for: ClientFor) -> None:
    problem(client_for(member).get(PREDICT), 405)


def test_a_full_queue_gets_503(member: User, client_for: ClientFor) -> None:
    engine = FakeEngine()
    gateway.use_engine(engine)
    body = {"task": "intent", "texts": ["a card"]}
    with engine.overloaded():
        response = client_for(member).post(PREDICT, body, content_type="application/json")
    assert problem(response, 503)["code"] == "overloaded"


def test_an_unknown_task_gets_503(member: User, client_for: ClientFor) -> None:
    body = {"task": "weather", "texts": ["rain"]}
    response = client_for(member).post(PREDICT, body, content_type="application/json")
    assert "weather" in problem(response, 503)["detail"]


@pytest.mark.parametrize("error", [Overloaded, DeadlineExceeded, EngineClosed, ModelNotFound])
def test_errors_of_the_language_layer_keep_their_codes(error: type[MLError]) -> None:
    assert gateway._problem(error("inside")).code == error.code


def test_the_schema_describes_the_api_without_a_warning(
    member: User, client_for: ClientFor, capsys: pytest.CaptureFixture[str]
) -> None:
    GENERATOR_STATS.reset()  # what was told once is not told again
    schema = client_for(member).get("/api/v1/schema/", headers={"accept": "application/json"})
    assert "/api/v1/models/predict/" in schema.content.decode()
    for name in ("predict", "embed", "search", "explain"):
        assert f"/api/v1/ml/{name}/" in schema.content.decode()
    assert "Warning" not in (told := capsys.readouterr().err), told
    assert not GENERATOR_STATS
    assert_door_answers_as_described(client_for(member), schema.json())


def assert_door_answers_as_described(client: Client, schema: dict[str, Any]) -> None:
    """Answers and problems of ``/api/v1/ml/`` have the form that the schema gives them."""
    text, here = "Ann lost a card in Rome", "/api/v1/ml"
    components = with_nulls(schema["components"])
    predict = [
        ("predict", {"task": task, "texts": [text, ""]}, 200)
        for task in ("intent", "sentiment", "toxicity", "ner", "encoder", "pii")
    ]
    for name, body, status in (
        *predict,
        ("embed", {"texts": [text]}, 200),
        ("search", {"query": "lost", "texts": [text, "the rate"]}, 200),
        ("explain", {"task": "intent", "text": text}, 200),
        ("predict", {"task": "intent", "texts": []}, 400),
        ("embed", {"texts": [text], "task": "ner"}, 422),
        ("predict", {"task": "weather", "texts": [text]}, 503),
    ):
        response = client.post(f"{here}/{name}/", body, content_type="application/json")
        assert response.status_code == status, response.content
        described = schema["paths"][f"{here}/{name}/"]["post"]["responses"][str(status)]
        kind = response.headers["Content-Type"]
        form = described["content"][kind]["schema"] | {"components": components}
        jsonschema.Draft202012Validator(form).validate(response.json())


def with_nulls(form: Any) -> Any:
    """OpenAPI's ``nullable`` as JSON schema says it."""
    if isinstance(form, list):
        return [with_nulls(one) for one in form]
    if not isinstance(form, dict):
        return form
    found = {name: with_nulls(one) for name, one in form.items()}
    if found.pop("nullable", False) is True and "type" in found:
        found["type"] = [found["type"], "null"]
    return found


def test_health_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_when_migrated_and_built(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "models": "ok"}


def test_not_ready_while_a_model_is_missing(client: Client) -> None:
    gateway.use_engine(FakeEngine({"intent": {"card": "card_arrival"}}))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["models"] == "missing: sentiment, targeted_sentiment, topic"


def test_metrics_show_the_engine_to_this_machine_and_administrators(
    client: Client, member: User, administrator: User, client_for: ClientFor
) -> None:
    gateway.classify("intent", ["my card"])
    text = client.get("/metrics").content.decode()
    assert 'trefoil_engine_requests_total{task="intent"} 1.0' in text
    assert 'trefoil_engine_latency_seconds{quantile="p95",task="intent"}' in text
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", **far).status_code == 403
    assert client_for(member).get("/metrics", **far).status_code == 403
    assert client_for(administrator).get("/metrics", **far).status_code == 200
