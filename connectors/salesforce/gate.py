"""What every call passes on its way out and on its way back: session, pauses, daily limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.clock import Clock
from connectors.patience import Patience
from connectors.reply import Reply
from connectors.retry import Verdict, retry_after_s
from connectors.salesforce.auth import Session, SessionHolder
from connectors.salesforce.daily import DailyLimit, ReadLimits
from connectors.salesforce.limits import Usage, read_usage
from connectors.salesforce.refusals import SessionEnded, over_limit
from connectors.side_pause import SidePause

_RENEWALS: Final = 2
_COMMON: Final = {
    # Absent, REST would run the org's assignment rules (salesforce facts, 2.3).
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Call-Options": "client=deskferry",
}


class Gate:
    """One per client. `last_usage` is what the last reply told, None before."""

    def __init__(self, sessions: SessionHolder, daily: DailyLimit | None) -> None:
        self.sessions = sessions
        self.daily = daily
        self.pause: SidePause | None = None
        self.clock: Clock | None = None
        self.patience: Patience | None = None
        self.last_usage: Usage | None = None

    def opened(self, clock: Clock, patience: Patience | None) -> None:
        """The connections are there; `clock` and `patience` are theirs."""
        self.clock = clock
        self.patience = patience
        self.pause = SidePause("Salesforce", clock)

    def visit(self, read: ReadLimits | None) -> Visit:
        """Begin a call. `read` asks for the limits; None for the very call that asks."""
        return Visit(self, read)

    @property
    def waiting_for(self) -> str | None:
        """Why calls wait now, in words; None when they do not."""
        patience = self.patience.waiting_for if self.patience else None
        pause = self.pause.waiting_for if self.pause else None
        return (self.daily.waiting_for if self.daily else None) or patience or pause

    def learn(self, reply: Reply, *, asked: bool) -> Verdict | None:
        """Let a reply teach the pauses; `asked` for a call that the daily limit holds back.

        A 429 and a used-up limit have done nothing, so that call may go again in any case.
        """
        usage = read_usage(reply.headers.get("sforce-limit-info"))
        self.last_usage = usage or self.last_usage
        if reply.status == 429 and self.pause and self.clock:
            self.pause.hold(retry_after_s(reply.headers.get("retry-after"), self.clock.now()))
            return Verdict.AGAIN
        if self.pause and reply.status < 500:
            self.pause.answered()
        if self.daily is None:
            return None
        if over_limit(reply):
            if asked:
                self.daily.refused()
            return Verdict.LATER if asked else None
        self.daily.learn(usage)
        if asked and reply.status < 400:
            self.daily.answered()
        return None


class Visit:
    """One call's dealings with the gate: a few renewals at most, however often it is sent."""

    def __init__(self, gate: Gate, read: ReadLimits | None) -> None:
        self._gate = gate
        self._read = read
        self._sent: Session | None = None
        self._dead: str | None = None
        self._renewals = 0
        self._status = 0

    async def before_attempt(self) -> Mapping[str, str]:
        """Wait for the pauses; returns the headers of the next attempt, with the token of now."""
        gate = self._gate
        if gate.pause:
            await gate.pause.passed()
        if gate.daily and self._read:
            await gate.daily.passed(self._read)
        self._sent = await gate.sessions.current()
        return {**_COMMON, "Authorization": f"Bearer {self._sent.token}"}

    async def after_reply(self, reply: Reply) -> Verdict | None:
        """Renew the session after a 401. One that stays through two new tokens is the answer: a
        single one may be the end of a session that was renewed a moment ago."""
        self._status = reply.status
        verdict = self._gate.learn(reply, asked=self._read is not None)
        over = self._renewals >= _RENEWALS
        if verdict or reply.status != 401 or over or self._sent is None:
            return verdict
        self._renewals += 1
        self._dead = self._sent.token
        await self._gate.sessions.renew(self._dead)
        return Verdict.AGAIN

    def ended(self) -> SessionEnded | None:
        """The error for a call that met a dead session and could not be sent with the new one."""
        if self._status == 401 and self._sent and self._sent.token == self._dead:
            return SessionEnded("The Salesforce session was over.", status=401)
        return None
