import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async.protocol.site import parse_site

ACME = "https://acme.creatio.com"


@pytest.mark.parametrize(
    ("pasted", "root", "says"),
    [
        (ACME, ACME, None),
        (f"{ACME}/", ACME, None),
        (f"  {ACME}/\n", ACME, None),
        (f"{ACME}/0", ACME, "framework"),
        (f"{ACME}/0/", ACME, "framework"),
        (f"{ACME}/0/odata", ACME, "framework"),
        (f"{ACME}/0/odata/Contact?$top=1", ACME, "framework"),
        (f"{ACME}/odata", ACME, "net"),
        (f"{ACME}/0/Nui/ViewModule.aspx#SectionModuleV2/ContactSectionV2/", ACME, "framework"),
        (f"{ACME}/Login/NuiLogin.aspx?ReturnUrl=%2f0%2fshell", ACME, None),
        (f"{ACME}/Shell/", ACME, "net"),
        (f"{ACME}/ServiceModel/AuthService.svc/Login", ACME, None),
        ("acme.creatio.com", ACME, None),
        ("acme.creatio.com/0/", ACME, "framework"),
        ("acme.creatio.com/?next=http://x", ACME, None),
        ("ACME.Creatio.COM/0", ACME, "framework"),
        ("HTTPS://acme.creatio.com", ACME, None),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765", None),
        ("http://127.0.0.1:8765/0/odata/", "http://127.0.0.1:8765", "framework"),
        ("http://localhost:5000/odata/", "http://localhost:5000", "net"),
        ("localhost:5000", "https://localhost:5000", None),
        ("http://[::1]:8080/0", "http://[::1]:8080", "framework"),
        ("http://10.0.0.7/studio/0/odata", "http://10.0.0.7/studio", "framework"),
        ("https://crm.test/Studio/odata", "https://crm.test/Studio", "net"),
        ("https://crm.test/a/b/", "https://crm.test/a/b", None),
        ("https://crm.test/моя/0", "https://crm.test/%D0%BC%D0%BE%D1%8F", "framework"),
        ("https://пример.рф/0", "https://xn--e1afmkfd.xn--p1ai", "framework"),
    ],
)
def test_a_site_is_found_in_what_a_person_pastes(pasted: str, root: str, says: str | None) -> None:
    site = parse_site(pasted)
    assert (site.root, site.pasted) == (root, says)
    assert parse_site(URL(site.root, encoded=True)).root == root


def test_the_workspace_is_under_0_on_the_framework_only() -> None:
    site = parse_site("https://crm.test/studio/")
    assert site.workspace("framework") == "https://crm.test/studio/0"
    assert site.workspace("net") == "https://crm.test/studio"
    assert str(site.url) == "https://crm.test/studio/"


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        " ",
        "/",
        "//acme.creatio.com",
        "ftp://acme.creatio.com",
        "http:/acme",
        "https://",
        "file:///etc/passwd",
        "https:///0/odata",
        "mailto:x",
        "https://acme .com",
        "http://[::1",
        "https://acme.com:99999",
        "https://acme.com:port",
    ],
)
def test_what_is_no_address_of_a_site_is_refused(pasted: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a site"):
        parse_site(pasted)


@pytest.mark.parametrize("given", [None, 5, b"https://acme.creatio.com"])
def test_an_address_is_a_text(given: object) -> None:
    with pytest.raises(TypeError, match="is a text"):
        parse_site(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pasted",
    [
        "https://ann:s3cret@crm.test",
        "https://s3cret@crm.test/0",
        "ann:s3cret@crm.test",
        "ftp://ann:s3cret@crm.test",
        "https://ann:s3cret@crm.test:99999",
        "https://ann:s3/cret@crm.test",
        "https://ann:s3#cret@crm.test",
        "https://ann:s3?cret@crm.test",
        "https://ann:12/s3cret@crm.test",
        "https://ann:s3cret@",
        "https://ann:s3cr et@crm .test",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_shown(pasted: str) -> None:
    with pytest.raises(ValueError, match="must not hold a user name or password") as caught:
        parse_site(pasted)
    assert "cret" not in str(caught.value)
    assert "ann" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_site_or_refused(text: str) -> None:
    try:
        site = parse_site(text)
    except ValueError:
        return
    assert site.root.startswith(("http://", "https://"))
    assert parse_site(site.root).root == site.root


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("https://crm.test/0/odata/Contact", True),
        ("https://crm.test:443/0/odata/Contact", True),
        ("https://CRM.test/elsewhere", True),
        ("http://crm.test/0/odata/Contact", False),
        ("https://crm.test:8443/0/odata", False),
        ("https://crm.test.evil.example/0", False),
        ("https://crm.test@evil.example/0", False),
        ("//crm.test/0/odata", False),
        ("odata/Contact", False),
    ],
)
def test_cookies_go_to_the_origin_of_the_site_only(url: str, owned: bool) -> None:  # noqa: FBT001
    site = parse_site("https://crm.test/0")
    assert site.owns(URL(url, encoded=True)) is owned
