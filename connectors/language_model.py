"""An OpenAI-compatible chat endpoint that chooses among names. It is told no value of any record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from connectors.errors import BadReply, BadRequest, RoleMissing
from connectors.http import HttpClient

_TASK: Final = (
    "You match fields of two helpdesk systems. For each question choose the one name in `options` "
    "that means the same as the attribute, or null when none does. Answer with one JSON object: the "
    "key of each question, and the chosen name or null. No other text."
)


class LanguageModel:
    """Asks one model. `path` is the part of the endpoint's address behind the host, such as `/v1`."""

    def __init__(self, http: HttpClient, *, path: str, model: str, api_key: str | None) -> None:
        self._http = http
        self._path = f"{path}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def choose(self, questions: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
        """Return the chosen option of each question that was answered with one of its own.

        A question has `options`, and whatever is told of the attribute. Anything else that the model
        says is left out. Raises the connectors' errors.
        """
        asked = {
            "model": self._model,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": _TASK},
                {"role": "user", "content": orjson.dumps(questions).decode()},
            ],
        }
        reply = await self._http.request("POST", self._path, json=asked, headers=self._headers)
        if reply.status in (401, 403):
            raise RoleMissing("The language model refuses the key.", status=reply.status)
        if reply.status >= 400:
            raise BadRequest("The language model refuses the question.", status=reply.status)
        return _chosen(_answer(reply.json()), questions)


def _answer(said: Any) -> Mapping[str, Any]:
    try:
        text: str = said["choices"][0]["message"]["content"]
        found = orjson.loads(text[text.index("{") : text.rindex("}") + 1])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise BadReply("The language model did not answer with JSON.") from None
    return found if isinstance(found, dict) else {}


def _chosen(
    answer: Mapping[str, Any], questions: Mapping[str, Mapping[str, Any]]
) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for key, question in questions.items():
        options: Sequence[str] = question["options"]
        said = answer.get(key, "")
        if said is None or said in options:
            found[key] = said
    return found
