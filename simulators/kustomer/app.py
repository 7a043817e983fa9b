"""The HTTP side of the Kustomer stand-in: which path is answered by whom."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.routing import Route

from simulators.chaos import Chaos
from simulators.kustomer.admin import Admin
from simulators.kustomer.audit import AuditLogs
from simulators.kustomer.chaos import KINDS
from simulators.kustomer.churn import Churn
from simulators.kustomer.churn_admin import ChurnAdmin
from simulators.kustomer.desk import Desk
from simulators.kustomer.faults import FaultyOrg, Sleep
from simulators.kustomer.files import Files
from simulators.kustomer.klasses import Klasses
from simulators.kustomer.lists import Lists
from simulators.kustomer.org import Org
from simulators.kustomer.records import Records
from simulators.kustomer.searching import Searching
from simulators.kustomer.settings import KustomerSettings


def create_app(
    org: Org,
    settings: KustomerSettings,
    clock: Callable[[], float] = time.time,
    sleep: Sleep = anyio.sleep,
) -> FaultyOrg:
    """Return the ASGI app, with its admin side-door under `/__admin`. `clock` in epoch seconds.

    `sleep` is what faults and churn wait by.
    """
    desk = Desk(org, settings, clock)
    churn = Churn(desk, sleep)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        churn.begin()
        async with anyio.create_task_group() as group:
            group.start_soon(churn.run)
            yield
            group.cancel_scope.cancel()
        for log in (desk.journal, desk.truth):
            await anyio.to_thread.run_sync(log.close)

    served = Starlette(routes=_api_routes(desk), lifespan=lifespan)
    door = FaultyOrg(served, desk, sleep)
    if settings.chaos_rate:
        door.chaos = Chaos(KINDS, settings.chaos_rate, settings.chaos_seed)
    served.router.routes[:0] = [
        *Admin(desk, door).routes(),
        *ChurnAdmin(desk, churn).routes(),
    ]
    return door


def _api_routes(desk: Desk) -> list[Route]:
    lists, records, files = Lists(desk), Records(desk), Files(desk)
    klasses, searching = Klasses(desk, lists), Searching(desk)
    guard = desk.guarded
    return [
        Route("/v1/auth/tokens/current", guard(records.current, role="")),
        Route("/v1/users/current", guard(records.current, role="")),
        Route("/v1/orgs/{id}", guard(records.org, role="")),
        Route("/v1/domains/{name}", records.domain),
        Route(
            "/v1/customers/search", guard(searching.search, role="search.create"), methods=["POST"]
        ),
        Route(
            "/v1/customers/archive/search",
            guard(searching.search, role="search.create"),
            methods=["POST"],
        ),
        Route("/v1/audit-logs", guard(AuditLogs(desk).listed, role="audit_logs")),
        Route("/v1/attachments/{ids}", guard(files.outbound)),
        Route("/v1/klasses/{name}", guard(klasses.one_or_all)),
        Route("/v1/klasses/{name}/{id}", guard(klasses.record)),
        Route("/v1/conversations/{id}/attachments", guard(files.of_conversation)),
        Route("/v1/messages/{id}/attachments/{file}", guard(files.of_message)),
        Route("/v1/routing/{plural}", guard(lists.listed)),
        Route("/v1/chat/settings", guard(records.chat, role="")),
        *(
            Route(f"/v1/{folder}/{{plural}}", guard(lists.in_folder, role=role))
            for folder, role in (("hooks", ""), ("kb", "kb"))
        ),
        Route("/v1/customers/merges/{id}", guard(records.merge)),
        Route("/v1/{plural}", guard(lists.listed)),
        Route("/v1/{plural}/{ids}", guard(records.single)),
        Route("/v1/{parent}/{id}/klasses/{name}", guard(klasses.of_parent)),
        Route("/v1/{parent}/{id}/{plural}", guard(lists.nested)),
        Route("/__files/{file}", files.download, name="file"),
    ]
