"""A model chooses among names that it was given; whatever else it says counts for nothing."""

from typing import Any

import httpx
import orjson
import pytest

from connectors.clock import SystemClock
from connectors.errors import BadReply, BadRequest, RoleMissing
from connectors.http import HttpClient, RetryPolicy
from connectors.language_model import LanguageModel

QUESTIONS = {"customer/tierStr": {"label": "Tier", "options": ["Tier__c", "Level__c"]}}


async def ask(said: Any, *, status: int = 200) -> tuple[dict[str, str | None], httpx.Request]:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, json=said)

    http = HttpClient(
        "https://model.example",
        name="language-model",
        clock=SystemClock(),
        policy=RetryPolicy(attempts=1),
        transport=httpx.MockTransport(answer),
    )
    async with http:
        model = LanguageModel(http, path="/v1", model="small", api_key="key")
        return await model.choose(QUESTIONS), seen[0]


def says(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}}]}


async def test_an_option_is_taken_and_the_question_holds_what_it_was_given() -> None:
    chosen, request = await ask(says('Sure! {"customer/tierStr": "Level__c", "other": "x"}'))
    assert chosen == {"customer/tierStr": "Level__c"}
    assert str(request.url) == "https://model.example/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key"
    body = orjson.loads(request.content)
    assert body["model"] == "small"
    assert orjson.loads(body["messages"][-1]["content"]) == QUESTIONS


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ('{"customer/tierStr": null}', {"customer/tierStr": None}),
        ('{"customer/tierStr": "Made_Up__c"}', {}),
        ('{"customer/tierStr": ["Tier__c"]}', {}),
        ("{}", {}),
    ],
)
async def test_only_an_option_or_none_of_them_is_an_answer(
    text: str, chosen: dict[str, str | None]
) -> None:
    assert (await ask(says(text)))[0] == chosen


@pytest.mark.parametrize("said", [{}, {"choices": []}, says("no"), says("} {"), [1], says("{1}")])
async def test_an_answer_that_is_none_is_said_plainly(said: Any) -> None:
    with pytest.raises(BadReply):
        await ask(said)


async def test_a_refused_key_and_a_refused_question_are_told_apart() -> None:
    with pytest.raises(RoleMissing):
        await ask({}, status=401)
    with pytest.raises(BadRequest):
        await ask({}, status=422)
