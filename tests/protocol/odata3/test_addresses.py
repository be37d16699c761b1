import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async.protocol.names import quote_uri
from creatio_async.protocol.odata3.answers import FormatError, absolute

BASES = st.sampled_from([
    "http://crm.test/0/ServiceModel/EntityDataService.svc/",
    "http://crm.test:8080/a/b?x=1/2",
    "https://crm.test/a/b",
    "https://crm.test",
    "http://crm.test/a/../b/./c/",
    "http://crm.test/ä/",
])
PIECES = ("X", "Collection", "(guid'0-a')", "(1)", "/", "//", "..", ".", "$links", "a.b", ":", "&")
ODD = ("?$skiptoken='a b'", "#x", "ä", "%20", "http://other.test/")
LINKS = st.lists(st.sampled_from(PIECES + ODD), max_size=6).map("".join)


@given(BASES, LINKS)
def test_a_link_is_joined_as_rfc_3986_says(base: str, link: str) -> None:
    try:
        joined = str(URL(quote_uri(base), encoded=True).join(URL(quote_uri(link), encoded=True)))
    except ValueError:
        with pytest.raises(FormatError, match="is no address"):
            absolute(base, link)
    else:
        assert absolute(base, link) == joined


def test_without_a_base_a_link_stays_as_it_is() -> None:
    assert absolute("", "X(1)/Y?a b") == "X(1)/Y?a%20b"
