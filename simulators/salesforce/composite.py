"""Several calls in one: `composite`, with references between them, and `composite/batch`
(facts, 5.3).
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulators.salesforce.calls import Answer, Call, Refused
from simulators.salesforce.door import tidy
from simulators.salesforce.store import Store

MOST_CALLS, MOST_WIDE = 25, 5
_PATH = re.compile(r"/services/data/(v\d+\.\d)/?(.*)", re.DOTALL)
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_ROLLED_BACK = (
    "The transaction was rolled back since another operation in the same transaction failed."
)


class Composite:
    """Does the calls one after the other, as if each came alone; they count as one."""

    def __init__(self, store: Store, answer: Callable[[Call], Answer]) -> None:
        self._store = store
        self._answer = answer

    def composite(self, call: Call) -> Answer:
        """Do up to 25 calls; later ones may name what earlier ones answered."""
        asked = call.record()
        parts = [_part(each, "referenceId") for each in _parts(asked, "compositeRequest")]
        names = [str(part["referenceId"]) for part in parts]
        if len(set(names)) < len(names):
            raise Refused(400, "JSON_PARSER_ERROR", "A referenceId is given more than once.")
        if sum(_is_wide(part["url"]) for part in parts) > MOST_WIDE:
            message = f"At most {MOST_WIDE} subrequests may be queries or collections."
            raise Refused(400, "LIMIT_EXCEEDED", message)
        with self._store.transaction() as transaction:
            answers = self._each(parts, names)
            failed = [answer.status >= 400 for answer in answers]
            transaction.cancelled = asked.get("allOrNone") is True and any(failed)
        if transaction.cancelled:
            halted = Refused(400, "PROCESSING_HALTED", _ROLLED_BACK).answer()
            answers = [a if bad else halted for a, bad in zip(answers, failed, strict=True)]
        told = [
            {
                "body": answer.body,
                "httpHeaders": dict(answer.headers),
                "httpStatusCode": answer.status,
                "referenceId": name,
            }
            for name, answer in zip(names, answers, strict=True)
        ]
        return Answer(200, {"compositeResponse": told})

    def _each(self, parts: list[dict[str, Any]], names: list[str]) -> list[Answer]:
        known: dict[str, Any] = {}
        answers = []
        for part, name in zip(parts, names, strict=True):
            try:
                url, body = _filled(part["url"], known), _filled(part.get("body"), known)
                answer = self._do(part["method"], str(url), body, part.get("httpHeaders"))
            except Refused as refused:
                answer = refused.answer()
            if answer.status < 400:
                known[name] = answer.body
            answers.append(answer)
        return answers

    def batch(self, call: Call) -> Answer:
        """Do up to 25 calls that know nothing of each other."""
        asked = call.record()
        results: list[dict[str, Any]] = []
        failed = False
        for each in _parts(asked, "batchRequests"):
            part = _part(each)
            if failed and asked.get("haltOnError") is True:
                text = "Batch processing halted per request"
                answer = Refused(412, "BATCH_PROCESSING_HALTED", text).answer()
            else:
                url = f"/services/data/{part['url'].removeprefix('/services/data/').lstrip('/')}"
                try:
                    answer = self._do(part["method"], url, part.get("richInput"), None)
                except Refused as refused:
                    answer = refused.answer()
            failed = failed or answer.status >= 400
            results.append({"statusCode": answer.status, "result": answer.body})
        return Answer(200, {"hasErrors": failed, "results": results})

    def _do(self, method: str, url: str, body: Any, headers: Any) -> Answer:
        """Do one call; raises `Refused` where it cannot be one."""
        split = urlsplit(url)
        found = _PATH.fullmatch(tidy(unquote(split.path)))
        if found is None:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        path = found[2]
        if path.startswith("composite") and not path.startswith("composite/sobjects"):
            raise Refused(400, "INVALID_INPUT", "A composite cannot hold another one.")
        given = headers if isinstance(headers, dict) else {}
        return self._answer(
            Call(
                method=method.upper(),
                path=path,
                version=found[1],
                params=dict(parse_qsl(split.query, keep_blank_values=True)),
                body=body,
                headers={str(name).lower(): str(value) for name, value in given.items()},
            )
        )


def _parts(asked: dict[str, Any], name: str) -> list[Any]:
    parts = asked.get(name)
    if not isinstance(parts, list) or not parts:
        raise Refused(400, "JSON_PARSER_ERROR", f"The list '{name}' is missing or empty.")
    if len(parts) > MOST_CALLS:
        raise Refused(400, "LIMIT_EXCEEDED", f"At most {MOST_CALLS} subrequests are allowed.")
    return parts


def _part(part: Any, *more: str) -> dict[str, Any]:
    if isinstance(part, dict) and all(
        isinstance(part.get(key), str) for key in ("method", "url", *more)
    ):
        return part
    needed = ", ".join(("method", "url", *more))
    raise Refused(400, "JSON_PARSER_ERROR", f"A subrequest needs {needed}.")


def _is_wide(url: str) -> bool:
    path = urlsplit(url).path.lower()
    return "/query" in path or "/composite/sobjects" in path


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """A value with its references replaced; raises `Refused` for one that leads nowhere."""
    if isinstance(value, dict):
        return {name: _filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _looked_up(whole, known)
    return _REFERENCE.sub(lambda found: str(_looked_up(found, known)), value)


def _looked_up(found: re.Match[str], known: dict[str, Any]) -> Any:
    value = known.get(found[1])
    for name, index in _STEP.findall(found[2]):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            value = None
    if value is None:
        message = f"Invalid reference specified. No value for {found[0][2:-1]} found"
        raise Refused(400, "PROCESSING_HALTED", message)
    return value
