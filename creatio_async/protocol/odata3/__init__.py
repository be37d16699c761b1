"""OData 3 on the wire, pure: literals, Atom, verbose JSON; bytes and values only."""
