"""A process is run from the address bar.

Source: academy.creatio.com, "Run a business process via the web service".
"""

import re
from pathlib import Path

import pytest

from creatio_async.emulator import Emulator

from .chromium import CHROMIUM, Page, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

_SERVICE = "/0/ServiceModel/ProcessEngineService.svc"
_LIST = f"{_SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
_ADD = f"{_SERVICE}/UsrAddNewExternalContact/Execute?ContactName=John&ContactPhone=1"
_SHOWN = (
    "document.documentElement.textContent.includes({0}) && document.documentElement.textContent"
)


async def _log_in(page: Page, password: str) -> None:
    await page.wait_for('document.getElementById("bootstrap.login") && "there"')
    await page.act(
        "const form = document.forms[0]; form.user.value = 'Supervisor';"
        f"form.password.value = '{password}'; form.querySelector('button').click()"
    )


async def test_a_person_who_logs_in_sees_the_result_of_the_process_that_was_asked_for(
    tmp_path: Path,
) -> None:
    with Emulator() as site:
        async with site.served() as url, chromium(tmp_path) as page:
            await page.open(url + _LIST)
            assert await page.wait_for("document.title") == "Creatio"  # sent to log in
            assert (await page.wait_for("location.pathname")) == "/Login/NuiLogin.aspx"
            await _log_in(page, "wrong")
            assert "password" in await page.wait_for("document.querySelector('output').textContent")
            assert site.logins == 0
            await _log_in(page, "Supervisor")
            shown = await page.wait_for(_SHOWN.format("'Andrew Baker'"))
            assert site.logins == 1
            assert await page.wait_for("location.href") == url + _LIST
            names = re.findall(r'\\"Name\\":\\"([^"\\]*)', shown)
            # a set: the browser's view of XML may hold the source beside what it shows
            assert set(names) == {"Andrew Baker (sample)", "Email Supervisor", "Supervisor"}

            await page.open(url + _ADD)
            await page.open(url + _LIST)
            assert '\\"Name\\":\\"John\\"' in await page.wait_for(_SHOWN.format("'John'"))
            assert {".ASPXAUTH", "BPMCSRF", "BPMLOADER"} <= (await page.cookies(url)).keys()


async def test_on_net_a_browser_without_a_session_sees_a_refusal_and_no_redirect(
    tmp_path: Path,
) -> None:
    with Emulator(runtime="net") as site:
        async with site.served() as url, chromium(tmp_path) as page:
            await page.open(url + _LIST)
            assert "Authentication failed." in await page.wait_for(_SHOWN.format("'failed'"))
            await page.open(f"{url}/Login/Login.html?ReturnUrl=https://elsewhere.example/")
            await _log_in(page, "Supervisor")
            said = await page.wait_for("document.querySelector('output').textContent")
            assert said == "Logged in."  # and not sent to another site
            await page.open(url + _LIST.removeprefix("/0"))
            assert "Supervisor" in await page.wait_for(_SHOWN.format("'Supervisor'"))
