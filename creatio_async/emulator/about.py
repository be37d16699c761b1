"""What a site says of itself and of its user.

Source: addresses, ``coreVersion`` and ``userTimezoneOffset`` were seen in the code of clients; the
shape of the user is inferred.
"""

from typing import Final

import orjson

from creatio_async.emulator.refusals import JSON, Answer
from creatio_async.emulator.store import Store

__all__ = ["about"]

_USER: Final = "/ServiceModel/UserInfoService.svc/GetCurrentUserInfo"
_SITE: Final = "/ServiceModel/ApplicationInfoService.svc/GetApplicationInfo"
_VERSION: Final = "8.3.2.0"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


def about(method: str, path: str, user: str, store: Store) -> Answer | None:
    """Return what the site says at *path*, or None where it is the address of something else."""
    if path == _USER:
        found = store.one('SELECT "Id" FROM "Contact" WHERE "Name" = ?', (user,))
        contact = _NOBODY if found is None else found[0]
        body: dict[str, object] = {"userName": user, "contactId": contact}
    elif path == _SITE:
        body = {
            "applicationInfo": {"sysValues": {"coreVersion": _VERSION, "userTimezoneOffset": 0}}
        }
    else:
        return None
    if method != "POST":
        return Answer(405, (("Allow", "POST"),))
    return Answer(200, (JSON,), orjson.dumps(body))
