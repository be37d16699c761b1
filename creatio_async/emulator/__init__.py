"""A look-alike of a Creatio site, for tests and trials."""

from creatio_async.emulator.app import Emulator
from creatio_async.emulator.oauth import Client
from creatio_async.emulator.sessions import User
from creatio_async.emulator.troubles import (
    Accepted,
    Answer,
    Cut,
    Double,
    DropAfter,
    DropBefore,
    Expire,
    Fail,
    Latency,
    Omit,
    Redirect,
    Refuse,
    Rule,
    Trouble,
    Troubles,
)
from creatio_async.emulator.turns import LogNormal

__all__ = [
    "Accepted",
    "Answer",
    "Client",
    "Cut",
    "Double",
    "DropAfter",
    "DropBefore",
    "Emulator",
    "Expire",
    "Fail",
    "Latency",
    "LogNormal",
    "Omit",
    "Redirect",
    "Refuse",
    "Rule",
    "Trouble",
    "Troubles",
    "User",
]
