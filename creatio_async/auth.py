"""Who the client is."""

from attrs import field, frozen
from attrs.validators import and_, instance_of, min_len

__all__ = ["Password"]


@frozen
class Password:
    """A user's name and password, for a login at ``AuthService.svc``. Never shown."""

    user: str = field(validator=and_(instance_of(str), min_len(1)))
    password: str = field(repr=False, validator=instance_of(str))
