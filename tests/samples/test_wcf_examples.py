"""The examples in C# of academy.creatio.com, "WCF client", in Python, on both services."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from creatio_async.emulator import Emulator
from tests.api.canned import client

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "from-the-wcf-client.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("form", ["OData 4", "OData 3 in Atom", "OData 3 in JSON"])
async def test_each_example_works_on_each_service(form: str) -> None:
    choice, *blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert choice == "odata = crm.odata\n"
    assert len(blocks) == 7
    with Emulator() as site:
        async with client(site) as crm:
            json, atom = crm.odata3.using("json"), crm.odata3
            odata = {"OData 4": crm.odata, "OData 3 in Atom": atom}.get(form, json)
            page: dict[str, Any] = {"crm": crm, "odata": odata}
            code = compile("".join(blocks), PAGE, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            ran = eval(code, page)  # noqa: S307 - a page of ours
            if inspect.isawaitable(ran):
                await ran
        path = "/odata/" if form == "OData 4" else "EntityDataService.svc"
        asked = [each for each in site.requests if "AuthService" not in each.url.path]
        assert all(path in each.url.path for each in asked)
        assert len(asked) > 10
