"""A Salesforce stand-in in this process, a workspace, and `schema deploy` between them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from connectors.http import HttpClient
from connectors.salesforce.auth import ClientCredentials
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.deploy import Deployment, Deployments, package
from service.config import Config
from service.schema.deploy import DeployedSchema, SchemaDeployment
from service.schema.plan import PlannedSchema, plan_schema
from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from state.ledger import Ledger
from tests.lifespan import living
from tests.unit.connectors.virtual_clock import VirtualClock

URL = "https://stand-in.example"
Meddle = Callable[[httpx.Request], Exception | None]


class _Line(httpx.AsyncBaseTransport):
    """Passes calls to the app; `meddle` sees each that was answered, and may lose the answer."""

    def __init__(self, app: Any) -> None:
        self._app = httpx.ASGITransport(app)
        self.seen: list[str] = []
        self.meddle: Meddle = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        reply = await self._app.handle_async_request(request)
        lost = self.meddle(request)
        if lost is not None:
            raise lost
        return reply


class SchemaDesk:
    """One org, one workspace, one clock that no test waits for."""

    def __init__(self, folder: Path, org: Org, line: _Line, ledger: Ledger) -> None:
        self.folder = folder
        self.org = org
        self.line = line
        self.ledger = ledger
        self.clock = VirtualClock()
        self.salesforce: SalesforceClient
        self.config = Config.model_validate(
            {
                "kustomer": {"base_url": "http://127.0.0.1:9", "api_key": "env:X"},
                "salesforce": {
                    "login_url": URL,
                    "client_id": "env:X",
                    "client_secret": "env:X",
                    "org_id": org.settings.org_id,
                },
                "workspace": folder,
            }
        )

    def write_map(self, text: str) -> None:
        (self.folder / "mapping.yaml").write_text(text, encoding="utf-8")

    async def plan(self) -> PlannedSchema:
        return await plan_schema(self.config, self.ledger, self.salesforce, "00D")

    async def deploy(self, *, check_only: bool = False) -> DeployedSchema:
        run = SchemaDeployment(self.config, self.ledger, self.salesforce, self.clock)
        return await run.run("00D", check_only=check_only)

    async def deploy_files(self, files: Mapping[str, str]) -> Deployment:
        """Deploy files as someone else would."""
        deployments = Deployments(self.salesforce, self.clock)
        started = await deployments.start(package(files), check_only=False)
        return await deployments.follow(started)

    def files(self, name: str) -> dict[str, str]:
        """The source files of one folder of the workspace."""
        home = self.folder / "schema" / name
        return {
            str(path.relative_to(home)): path.read_text(encoding="utf-8")
            for path in home.rglob("*")
            if path.is_file()
        }

    def sent(self, method: str, ending: str) -> int:
        return sum(e.startswith(f"{method} ") and e.endswith(ending) for e in self.line.seen)


@asynccontextmanager
async def schema_desk(folder: Path, **settings: Any) -> AsyncIterator[SchemaDesk]:
    org = Org(SalesforceSettings(**{"bare": True, "my_domain": URL, **settings}))
    app = create_app(org)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger.open(folder, clock=lambda: 1.0))
        desk = SchemaDesk(folder, org, _Line(app), ledger)
        await stack.enter_async_context(living(app))

        def http(url: str) -> HttpClient:
            return HttpClient(url, name="salesforce", clock=desk.clock, transport=desk.line)

        login = await stack.enter_async_context(http(URL))
        auth = ClientCredentials(login, client_id="deskferry-demo", client_secret="demo-secret")
        client = SalesforceClient(auth, make_http=http, api_version="62.0")
        desk.salesforce = await stack.enter_async_context(client)
        yield desk
