"""Deploying metadata by REST, and giving the running user access (salesforce facts, 8.1 and 8.2).

Deploying the same package twice changes nothing the second time, and an org works on one deployment
at a time: a repeated one waits until the earlier has ended. So a lost reply to a deployment is
settled by sending the package again. Nothing here survives a crash; the next run compares anew.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import httpx
import orjson

from connectors.clock import Clock
from connectors.errors import BadReply, BadRequest, ConnectorError
from connectors.http import Reply, Retry, is_json
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.deployment import ComponentResult, Deployment, read_deployment
from connectors.salesforce.soql import literal

__all__ = ["Access", "ComponentResult", "Deployment", "Deployments", "package"]

_PATH: Final = "/metadata/deployRequest"
_GROWTH: Final = 1.4
_CANCEL_S: Final = 5.0
# A zip's own earliest moment: the same files make the same bytes.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_OPTIONS: Final = {
    "allowMissingFiles": False,
    "autoUpdatePackage": False,
    "ignoreWarnings": True,
    "performRetrieve": False,
    "purgeOnDelete": False,
    "rollbackOnError": True,
    # No level of tests is named: each org's own default runs none for a package without Apex.
    "singlePackage": True,
}


def package(files: Mapping[str, str]) -> bytes:
    """Zip source files (path to text) as a single package; equal files give equal bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), files[name].encode())
    return made.getvalue()


class Deployments:
    """Starts deployments and follows them to their end."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def start(self, package: bytes, *, check_only: bool) -> str:
        """Send a package, returns the deployment's id; with `check_only` nothing will be saved.

        A lost reply is settled by sending it again, see above. Raises the client's refusals.
        """
        options = {"deployOptions": {**_OPTIONS, "checkOnly": check_only}}
        form = httpx.Request(
            "POST",
            "https://form.invalid/",
            files=[
                ("json", (None, orjson.dumps(options), "application/json")),
                ("file", ("deploy.zip", package, "application/zip")),
            ],
        )
        reply = await self._client.call(
            "POST",
            _PATH,
            "the check of a deployment" if check_only else "a deployment",
            content=form.read(),
            headers={"Content-Type": form.headers["content-type"]},
            retry=Retry.SAFE,
            accept=_is_deployment,
        )
        return read_deployment(reply.json()).id

    async def start_checked(self, checked_id: str) -> str:
        """Deploy what was checked within the last ten days, without checking it again.

        This cannot be repeated: raises `OutcomeUnknown` when the reply was lost (then `start` with the
        package settles it), and `BadRequest` where the org wants the package itself.
        """
        body = {"validatedDeployRequestId": checked_id}
        what = "a quick deployment"
        reply = await self._client.call("POST", _PATH, what, json=body, accept=_is_deployment)
        return read_deployment(reply.json()).id

    async def read(self, deployment_id: str) -> Deployment:
        """A deployment as it is now, with what became of its components."""
        what = "the state of a deployment"
        path = f"{_PATH}/{_id(deployment_id)}"
        reply = await self._client.call("GET", path, what, params={"includeDetails": "true"})
        return read_deployment(reply.json())

    async def follow(
        self,
        deployment_id: str,
        *,
        on_poll: Callable[[Deployment], None] | None = None,
        first_s: float = 1.0,
        cap_s: float = 15.0,
    ) -> Deployment:
        """Read a deployment at growing intervals (seconds) until it is done; success or not.

        Each reading costs one request of the org's daily limit. When this is cancelled the deployment
        is cancelled too, as far as it lets itself: someone who stops wants no change.
        """
        pause = first_s
        try:
            while True:
                seen = await self.read(deployment_id)
                if on_poll:
                    on_poll(seen)
                if seen.done:
                    return seen
                await self._clock.sleep(pause)
                pause = min(cap_s, pause * _GROWTH)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CANCEL_S, shield=True):
                await self._cancel_quietly(deployment_id)
            raise

    async def cancel(self, deployment_id: str) -> None:
        """Ask that a deployment be cancelled; one that is over already is no error.

        It is over only when `read` says so.
        """
        body = {"deployResult": {"status": "Canceling"}}
        path = f"{_PATH}/{_id(deployment_id)}"
        what = "the end of a deployment"
        try:
            await self._client.call("PATCH", path, what, json=body, retry=Retry.SAFE)
        except BadRequest:
            if not (await self.read(deployment_id)).done:
                raise

    async def _cancel_quietly(self, deployment_id: str) -> None:
        try:
            await self.cancel(deployment_id)
        except ConnectorError:
            return  # it ends by itself; the next run looks at the org


class Access:
    """Permission sets of the running user."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    async def assign(self, name: str) -> bool:
        """Assign the permission set called `name` to the running user; False when it was already.

        Raises `BadReply` when there is no such set. Safe to repeat, so a lost reply is.
        """
        user = (await self._client.org()).user_id
        set_id = await self._one(f"SELECT Id FROM PermissionSet WHERE Name = {literal(name)}")  # noqa: S608
        if set_id is None:
            raise BadReply("The permission set that was deployed is not there.")
        assigned = await self._one(
            "SELECT Id FROM PermissionSetAssignment "  # noqa: S608 - SOQL of ids
            f"WHERE AssigneeId = {literal(user)} AND PermissionSetId = {literal(set_id)}"
        )
        if assigned:
            return False
        values = {"AssigneeId": user, "PermissionSetId": set_id}
        path, what = "/sobjects/PermissionSetAssignment", "the assignment of a permission set"
        try:
            await self._client.call(
                "POST", path, what, json=values, accept=is_json, retry=Retry.SAFE
            )
        except BadRequest as error:
            if error.remote_code != "DUPLICATE_VALUE":
                raise
        return True

    async def _one(self, soql: str) -> str | None:
        found: list[dict[str, Any]] = [
            row async for page in self._client.query(soql) for row in page
        ]
        return str(found[0]["Id"]) if found else None


def _is_deployment(reply: Reply) -> bool:
    try:
        read_deployment(reply.json())
    except BadReply:
        return False
    return True


def _id(deployment_id: str) -> str:
    if not (deployment_id.isascii() and deployment_id.isalnum()):
        raise ValueError("not the id of a deployment")
    return deployment_id
