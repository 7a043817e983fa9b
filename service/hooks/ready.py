"""Whether a hook could be told: its program is there, its secrets lead to values."""

import shutil

from service.config_hooks import HookConfig
from service.errors import REFUSED, DeskferryError


class HookNotThere(DeskferryError):
    """The program of a hook cannot be found, or may not be run."""

    code = "hook-not-there"
    exit_code = REFUSED


def ready(hook: HookConfig) -> str:
    """Say what the hook leads to; raises `SecretMissing`, `ConfigInvalid` and `HookNotThere`."""
    if hook.url is None:
        if shutil.which(hook.command[0]) is None:
            raise HookNotThere(
                "The program of the hook is not there, or may not be run.",
                next_step="Give its whole path in `command`, or put it into a folder of PATH.",
            )
        return "Its program is there."
    hook.url.resolve()
    for secret in hook.header.values():
        secret.resolve()
    return "Its address and headers are there."
