"""Which resource answers a call, whether it comes alone or within another (facts, 2 and 5)."""

import re
from collections.abc import Callable

from simulators.salesforce.calls import Answer, Call, Refused, not_found
from simulators.salesforce.collection import Collection
from simulators.salesforce.composite import Composite
from simulators.salesforce.org import VERSIONS, Org
from simulators.salesforce.paging import Paging
from simulators.salesforce.records import Records
from simulators.salesforce.tables import TOOLING_ONLY

Handler = Callable[..., Answer]
_N = r"(\w+)"
_RESOURCES = ("sobjects", "query", "queryAll", "limits", "jobs", "composite", "tooling")


class Desk:
    """All REST resources of an org but its sessions and jobs."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._table: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
            (re.compile(pattern), handlers)
            for pattern, handlers in {
                "": {"GET": self._resources},
                "limits": {"GET": self._limits},
                "limits/recordcount": {"GET": self._counts},
                **self._resources_of_records(),
                # Jobs have routes of their own; here are the methods that those do not have.
                r"jobs/(ingest|query)(/\w+){0,2}": {},
            }.items()
        ]

    def _resources_of_records(self) -> dict[str, dict[str, Handler]]:
        store = self._org.store
        records = Records(store)
        collection = Collection(store, records)
        paging = Paging(store)
        composite = Composite(store, self.answer)
        one, many = f"sobjects/{_N}", "composite/sobjects"
        return {
            "query|queryall|tooling/query": {"GET": paging.query},
            r"query/([\w-]+)": {"GET": paging.more},
            "sobjects": {"GET": records.objects},
            f"{one}/describe": {"GET": records.describe},
            one: {"GET": records.info, "POST": records.create},
            f"{one}/[Ii]d": {"POST": records.create_through_upsert},
            f"{one}/{_N}": {
                "GET": records.read,
                "PATCH": records.change,
                "DELETE": records.delete,
            },
            f"{one}/{_N}/(.+)": {"GET": records.read_by_key, "PATCH": records.upsert},
            many: {
                "POST": collection.create,
                "PATCH": collection.change,
                "DELETE": collection.delete,
            },
            f"{many}/{_N}": {"GET": collection.read, "POST": collection.read_by_post},
            f"{many}/{_N}/{_N}": {"PATCH": collection.upsert},
            "composite": {"POST": composite.composite},
            "composite/batch": {"POST": composite.batch},
        }

    def answer(self, call: Call) -> Answer:
        """Do a call. A refusal is an answer, too."""
        try:
            handler, groups = self._handler(call)
            return handler(call, *groups)
        except Refused as refused:
            return refused.answer()

    def _handler(self, call: Call) -> tuple[Handler, tuple[str, ...]]:
        there = False
        method = "GET" if call.method == "HEAD" else call.method
        for pattern, handlers in self._table:
            found = pattern.fullmatch(call.path)
            if found and method in handlers:
                return handlers[method], found.groups()
            there = there or found is not None
        if there:
            message = f"HTTP Method '{call.method}' not allowed."
            raise Refused(405, "METHOD_NOT_ALLOWED", message)
        raise not_found()

    def _resources(self, call: Call) -> Answer:
        return Answer(200, {name: f"{call.base}/{name}" for name in _RESOURCES})

    def _limits(self, call: Call) -> Answer:
        return Answer(200, self._org.limits())

    def _counts(self, call: Call) -> Answer:
        """Rows per object; what is unknown or empty is left out (facts, 2.2)."""
        store = self._org.store
        asked = [each.strip().lower() for each in call.params.get("sObjects", "").split(",")]
        found = []
        for name in (each for each in store.schema.objects if each not in TOOLING_ONLY):
            if asked == [""] or name.lower() in asked:
                count = sum(not row["IsDeleted"] for row in store.shelf(name).records.values())
                found += [{"count": count, "name": name}] if count else []
        return Answer(200, {"sObjects": found})


def versions() -> Answer:
    """The versions on offer; needs no session."""
    return Answer(
        200,
        [
            {"label": f"v{version}", "url": f"/services/data/v{version}", "version": version}
            for version in VERSIONS
        ],
    )
