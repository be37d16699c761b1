"""The page on which a person logs in, and to which a browser is sent that has no session.

Source: the names of the page and of its form were seen in code of clients, which know it by them.
It posts to AuthService.svc, as the site's own does, and goes on to where the browser wanted to be.
"""

from html import escape
from typing import Final
from urllib.parse import quote

__all__ = ["login_page", "login_path"]

_PAGE: Final = """<!DOCTYPE html><html><head><title>Creatio</title>\
<script>Terrasoft = {{}}; Terrasoft.appFramework = "{framework}";</script></head><body>
<form action="{path}" id="bootstrap.login" data-service="{service}">
<input name="user" placeholder="User" autocomplete="username" autofocus>
<input name="password" placeholder="Password" type="password" autocomplete="current-password">
<button>Log in</button> <output></output>
</form>
<script>
const form = document.forms[0], output = form.querySelector("output");
form.addEventListener("submit", async (event) => {{
  event.preventDefault();
  const login = {{UserName: form.user.value, UserPassword: form.password.value}};
  const answer = await (await fetch(form.dataset.service, {{
    method: "POST", headers: {{"Content-Type": "application/json"}}, body: JSON.stringify(login),
  }})).json();
  const wanted = new URLSearchParams(location.search).get("ReturnUrl");
  const back = wanted === null ? null : new URL(wanted, location);
  if (answer.Code !== 0 && answer.Code !== 2) output.textContent = answer.Message;
  else if (back === null || back.origin !== location.origin) output.textContent = "Logged in.";
  else location.replace(back);
}});
</script></body></html>"""
"""Of the answers to a login, 0 and 2 let in: the latter wants another password some day."""


def login_path(*, framework: bool) -> str:
    """Return where the page is, below the root of the site."""
    return "/Login/NuiLogin.aspx" if framework else "/Login/Login.html"


def login_page(directory: str, *, framework: bool) -> bytes:
    """Return the page of a site in the virtual directory *directory*."""
    return _PAGE.format(
        framework="NETFRAMEWORK" if framework else "NETCOREAPP",
        path=_attribute(directory + login_path(framework=framework)),
        service=_attribute(f"{directory}/ServiceModel/AuthService.svc/Login"),
    ).encode()


def _attribute(path: str) -> str:
    return escape(quote(path, safe="/%"))
