"""OData 3 of a site: the same calls as OData 4, in Atom or in verbose JSON."""

from typing import Self

from attrs import define, evolve, field

from creatio_async.odata import OData
from creatio_async.protocol.dialect3 import Change, Dialect3, Form
from creatio_async.runtime.sender import Sender
from creatio_async.service import Service

__all__ = ["OData3"]


@define(eq=False, repr=False)
class OData3(OData):
    """OData 3: ``crm.odata3``. The calls are those of `OData`.

    Entity sets have the names of their schemas: ``crm.odata3["Contact"]`` is
    ``ContactCollection``. What only OData 4 can do is a ValueError before anything is sent.
    """

    _dialect: Dialect3
    _others: dict[Dialect3, Self] = field(init=False, factory=dict["Dialect3", "Self"])

    @classmethod
    def of(cls, sender: Sender, *, nulls: bool, decimals: bool) -> Self:
        """Return the service in Atom; values are read as the client was told."""
        return cls._of(sender, Dialect3(nulls=nulls, decimals=decimals))

    @classmethod
    def _of(cls, sender: Sender, dialect: Dialect3) -> Self:
        return cls(Service(sender, dialect), dialect)

    def using(
        self,
        form: Form,
        *,
        change: Change = "MERGE",
        tunnel: bool = False,
        typed: bool | None = None,
    ) -> Self:
        """Return the same service, spoken in another form; nothing is sent.

        Args:
            form: ``"atom"``, or ``"json"`` for verbose JSON, which is read faster and holds texts
                that XML has no place for.
            change: The method of updates: ``"MERGE"``, which every version of the protocol has, or
                ``"PATCH"``, which Creatio's documentation names.
            tunnel: Send what is neither GET nor POST as a POST, with ``X-HTTP-Method``: for servers
                that refuse other methods, such as IIS with WebDAV.
            typed: Read by the types of the columns, for which ``$metadata`` is read once. None does
                so where answers do not tell types: always in verbose JSON, and in Atom from a
                server whose first row has an ``Id`` without one. True does so in Atom, too, before
                the first answer; values that ``$metadata`` puts elsewhere in an entry are read
                then. False never does: numbers that travel as texts stay texts.

        Raises:
            ValueError: There is no such form, or no such method.
        """
        wanted = evolve(self._dialect, form=form, change=change, tunnel=tunnel, typed=typed)
        found = self._others.get(wanted)
        if found is None:
            found = self._others[wanted] = self._of(self._service.sender, wanted)
        return found
