from typing import Any

import pytest

from creatio_async.emulator import Emulator, User
from creatio_async.messages import Response

from .caller import ANDREW, Caller, caller_of

LOGIN = "/ServiceModel/AuthService.svc/Login"
LOGOUT = "/ServiceModel/AuthService.svc/Logout"


def set_cookies(response: Response) -> dict[str, str]:
    found = {}
    for cookie in response.headers.get_all("set-cookie"):
        name, _, rest = cookie.partition("=")
        found[name] = rest
    return found


async def test_a_login_on_framework_sets_the_documented_cookies(anyone: Caller) -> None:
    # academy.creatio.com, "AuthService.svc web service", "Platform cookies"
    response = await anyone.login()
    assert response.status == 200
    assert response.json() == {
        "Code": 0,
        "Message": "",
        "Exception": None,
        "PasswordChangeUrl": None,
        "RedirectUrl": "/0/Shell",
    }
    cookies = set_cookies(response)
    assert list(cookies) == ["BPMLOADER", ".ASPXAUTH", "BPMSESSIONID", "BPMCSRF", "UserName"]
    assert cookies["BPMSESSIONID"].startswith(";")
    token, _, attributes = cookies["BPMCSRF"].partition(";")
    assert len(token) == 22
    assert "/" in token
    assert "." in token
    assert "httponly" not in attributes.lower()
    assert cookies["UserName"].startswith("83|117|112|101|114|118|105|115|111|114;")


async def test_the_session_id_comes_with_the_first_answer_of_the_workspace(site: Caller) -> None:
    first = await site.odata("GET", "Contact?$top=1")
    assert set_cookies(first)["BPMSESSIONID"].partition(";")[0]
    assert not (await site.odata("GET", "Contact?$top=1")).headers.get_all("set-cookie")


async def test_a_login_on_net_sets_the_antiforgery_cookie_and_no_redirect() -> None:
    with Emulator(runtime="net") as emulator:
        response = await caller_of(emulator).login()
    cookies = set_cookies(response)
    assert list(cookies) == [".ASPXAUTH", "BPMSESSIONID", "CsrfToken", "BPMCSRF", "UserName"]
    assert cookies["BPMSESSIONID"].partition(";")[0]
    assert response.json()["RedirectUrl"] is None


@pytest.mark.parametrize("user", ["Supervisor", "Nobody", None, 3])
async def test_a_wrong_password_is_a_200_with_a_code(anyone: Caller, user: Any) -> None:
    response = await anyone.login(user, "wrong")
    assert response.status == 200
    body = response.json()
    assert body["Code"] == 1
    assert body["Message"] == "You have entered incorrect username or password."
    assert body["Exception"]["Type"] == "System.Security.SecurityException"
    assert not response.headers.get_all("set-cookie")
    assert anyone.emulator.logins == 0


@pytest.mark.parametrize(
    ("code", "let_in", "change"),
    [(2, True, False), (3, False, False), (4, False, False), (5, False, True)],
)
async def test_a_user_may_have_a_code_of_their_own(code: int, let_in: Any, change: Any) -> None:
    with Emulator(users={"Ann": User("secret", code=code, message="Well")}) as emulator:
        body = (await caller_of(emulator).login("Ann", "secret")).json()
        assert (body["Code"], body["Message"]) == (code, "Well")
        assert (body["Exception"] is None) is let_in
        assert (body["PasswordChangeUrl"] is not None) is change
        assert emulator.logins == int(let_in)


def test_a_code_that_no_login_has_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="code"):
        User("secret", code=9)


def test_a_user_does_not_show_the_password() -> None:
    assert "secret" not in repr(User("secret"))


@pytest.mark.parametrize("body", [b"", b"[]", b"not json"])
async def test_a_login_without_an_object_is_refused(anyone: Caller, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await anyone.ask("POST", LOGIN, body, headers)).status == 400


async def test_login_is_not_below_the_workspace(anyone: Caller) -> None:
    response = await anyone.ask("POST", "/0" + LOGIN, {"UserName": "Supervisor"})
    assert response.status == 401
    assert response.json()["Message"] == "Authentication failed."


async def test_a_misspelt_method_of_the_service_is_forbidden(anyone: Caller) -> None:
    assert (await anyone.ask("POST", "/ServiceModel/AuthService.svc/LogIn", {})).status == 403


async def test_login_takes_post_only(anyone: Caller) -> None:
    response = await anyone.ask("GET", LOGIN)
    assert (response.status, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [LOGOUT, "/0/rest/MainMenuService/Logout"])
async def test_logout_ends_the_session(site: Caller, path: str) -> None:
    assert (await site.ask("POST", path, {})).status == 200
    assert (await site.odata("GET", "Contact")).status == 401


async def test_a_modifying_request_needs_the_token_and_a_read_does_not(site: Caller) -> None:
    # academy.creatio.com, "Call a web service from Postman"
    for token in ("-", "wrong"):
        response = await site.odata("POST", "City", {"Name": "A"}, {"BPMCSRF": token})
        assert response.status == 403
        assert (
            await site.odata("DELETE", f"Contact({ANDREW})", None, {"BPMCSRF": token})
        ).status == 403
        assert (await site.odata("GET", "City", None, {"BPMCSRF": token})).status == 200
    assert site.emulator.rows("City") == []


async def test_the_token_is_not_asked_for_where_it_is_switched_off() -> None:
    with Emulator(csrf=False) as emulator:
        caller = caller_of(emulator)
        await caller.login()
        assert (await caller.odata("POST", "City", {"Name": "A"}, {"BPMCSRF": "-"})).status == 201


async def test_a_new_token_comes_with_the_next_answer(site: Caller) -> None:
    site.emulator.rotate_csrf()
    assert (await site.odata("POST", "City", {"Name": "A"})).status == 403
    assert (await site.odata("POST", "City", {"Name": "A"})).status == 201


async def test_quotes_around_a_token_make_it_another(site: Caller) -> None:
    site.cookies[".ASPXAUTH"] = f'"{site.cookies[".ASPXAUTH"]}"'
    assert (await site.odata("GET", "Contact")).status == 401


async def test_a_session_ends_after_a_time_without_requests() -> None:
    time = 0.0
    with Emulator(session_timeout=60, clock=lambda: time) as emulator:
        caller = caller_of(emulator)
        await caller.login()
        for _ in range(3):
            time += 59
            assert (await caller.odata("GET", "City")).status == 200
        time += 61
        assert (await caller.odata("GET", "City")).status == 401
        await caller.login()
        assert emulator.logins == 2


async def test_expire_ends_every_session(site: Caller) -> None:
    site.emulator.expire()
    response = await site.odata("GET", "Contact")
    assert response.status == 401
    assert response.json() == {
        "Message": "Authentication failed.",
        "StackTrace": None,
        "ExceptionType": "System.InvalidOperationException",
    }


async def test_without_force_use_session_framework_redirects_to_the_login_page(
    anyone: Caller,
) -> None:
    response = await anyone.odata("GET", "Contact?$top=1", None, {"ForceUseSession": "-"})
    assert response.status == 302
    place = response.headers["location"]
    assert place == "/Login/NuiLogin.aspx?ReturnUrl=%2F0%2Fodata%2FContact%3F%24top%3D1"
    page = await anyone.ask("GET", place)
    assert page.content_type == "text/html"
    assert 'Terrasoft.appFramework = "NETFRAMEWORK";' in page.text()
    script = {"ForceUseSession": "-", "X-Requested-With": "XMLHttpRequest"}
    assert (await anyone.odata("GET", "Contact", None, script)).status == 401


async def test_on_net_odata_answers_401_and_other_services_redirect() -> None:
    with Emulator(runtime="net") as emulator:
        caller = caller_of(emulator, workspace="")
        plain = {"ForceUseSession": "-"}
        assert (await caller.odata("GET", "Contact", None, plain)).status == 401
        response = await caller.ask("POST", "/rest/UsrService/Run", {}, plain)
        assert response.status == 302
        assert response.headers["location"].startswith("/Login/Login.html?ReturnUrl=")


async def test_each_runtime_has_its_own_prefix_and_pages() -> None:
    with Emulator() as framework, Emulator(runtime="net") as net:
        for emulator, right, wrong in ((framework, "/0", ""), (net, "", "/0")):
            caller = caller_of(emulator)
            await caller.login()
            assert (await caller.ask("GET", f"{right}/odata/City")).status == 200
            response = await caller.ask("GET", f"{wrong}/odata/City")
            assert (response.status, response.body) == (404, b"")
        page = "/Login/Login.html"
        assert (await caller_of(framework).ask("GET", page)).status == 404
        assert (await caller_of(net).ask("GET", page)).status == 200
        assert (await caller_of(framework).ask("GET", "/0/Login/NuiLogin.aspx")).status == 302
        assert (await caller_of(net).ask("GET", "/0/Login/NuiLogin.aspx")).status == 404


@pytest.mark.parametrize("path", ["/0/ping", "/api/HealthCheck/Ping", "/0/api/HealthCheck/Ping"])
async def test_pings_answer_without_a_session(anyone: Caller, path: str) -> None:
    assert (await anyone.ask("GET", path)).status == 200


async def test_a_virtual_directory_is_before_everything_and_in_the_cookies() -> None:
    with Emulator(virtual_directory="studio/") as emulator:
        caller = caller_of(emulator)
        assert (await caller.login()).status == 404
        caller.base += "/studio"
        response = await caller.login()
        assert response.json()["RedirectUrl"] == "/studio/0/Shell"
        assert "path=/studio;" in set_cookies(response)[".ASPXAUTH"]
        body = await caller.get("City")
        assert body["@odata.context"] == "http://crm.test/studio/0/odata/$metadata#City"


async def test_an_address_that_is_not_there_is_an_empty_404(site: Caller) -> None:
    response = await site.ask("GET", "/0/rest/UsrNothing/Run")
    assert (response.status, response.body) == (404, b"")


async def test_five_wrong_passwords_lock_the_user_out_for_a_time() -> None:
    time = 0.0
    with Emulator(clock=lambda: time, users={"Ann": "a", "Bob": "b"}) as emulator:
        caller = caller_of(emulator)
        for _ in range(4):
            body = (await caller.login("Ann", "wrong")).json()
            assert body["Message"] == "You have entered incorrect username or password."
        for password in ("wrong", "a"):
            body = (await caller.login("Ann", password)).json()
            assert (body["Code"], body["Message"]) == (1, "Your user account is locked.")
        assert (await caller.login("Bob", "b")).json()["Code"] == 0
        time = 900.0
        assert (await caller.login("Ann", "a")).json()["Code"] == 0


async def test_a_right_password_makes_earlier_wrong_ones_forgotten() -> None:
    with Emulator(login_attempts=2) as emulator:
        caller = caller_of(emulator)
        for _ in range(3):
            await caller.login(password="wrong")
            assert (await caller.login()).json()["Code"] == 0


async def test_a_site_may_allow_any_number_of_wrong_passwords() -> None:
    with Emulator(login_attempts=0) as emulator:
        caller = caller_of(emulator)
        for _ in range(9):
            await caller.login(password="wrong")
        assert (await caller.login()).json()["Code"] == 0


async def test_a_refusal_may_name_another_exception() -> None:
    wanted = "Terrasoft.Authentication.TwoFactor.Exceptions.StartAuthFlowException"
    with Emulator(users={"Ann": User("a", code=1, exception=wanted)}) as emulator:
        body = (await caller_of(emulator).login("Ann", "a")).json()
    assert body["Exception"]["Type"] == wanted


async def test_what_a_site_says_of_itself_is_asked_for_with_post(site: Caller) -> None:
    path = "/0/ServiceModel/ApplicationInfoService.svc/GetApplicationInfo"
    answer = await site.ask("GET", path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    told = (await site.ask("POST", path, {})).json()
    assert told["applicationInfo"]["sysValues"]["coreVersion"]
