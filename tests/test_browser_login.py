"""Several people in a real browser: each sees what is theirs, and nobody gets in without a login.

The pages are those of `streamlit_app.py`, so that a new one is looked at too.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import ROOT, running_app, settled
from fake_provider import Provider, running_provider
from playwright.sync_api import expect

from agents.api.keys import list_keys
from rag.ingest import ingest
from workbench.accounts import check_password, find_person, settings_in
from workbench.accounts.audit import list_audit
from workbench.accounts.database import changing
from workbench.accounts.people import ROLES, add_person, disable
from workbench.accounts.signing_in import set_password
from workbench.accounts.throttle import take_try
from workbench.chat.conversations import Conversations
from workbench.jobs.job import list_jobs
from workbench.login.ticket import COOKIE, write_ticket
from workbench.models.packaged_embedders import MINILM
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]
PASSWORD = "seven lamps on the quay"
SECRET = "quillwort"  # a word of bert's, in everything that is theirs
ASKED = "What is painted every spring?"


def pages() -> list[tuple[str, ...]]:
    """The rows of PAGES, read without running the app."""
    tree = ast.parse((ROOT / "streamlit_app.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES":
            return ast.literal_eval(node.value)
    raise AssertionError("streamlit_app.py has no PAGES")


@pytest.fixture(scope="module")
def root(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("people")
    root = load_settings(home=new_workspace(folder))
    for name, role in (("anna", "admin"), ("bert", "editor"), ("rita", "reader")):
        add_person(root, name, PASSWORD, role)  # type: ignore[arg-type]
    for used in ("index.db", "data"):  # the examples of a first start are not needed
        root.folder().joinpath(used).mkdir()
    own = settings_of(root, "bert")
    text = folder / f"{SECRET}.txt"
    text.write_text(f"The {SECRET} of Oosterwal is painted every spring.", "utf-8")
    ingest([text], "handbook", own.model_copy(update={"role": "admin"}), embedder=MINILM)
    Conversations(own.database).create(f"About the {SECRET}")
    yield root
    for job in list_jobs(own):
        job.cancel(grace=0)


def settings_of(root: Settings, name: str) -> Settings:
    person = find_person(root, name)
    assert person
    return settings_in(root, person)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def url(
    root: Settings, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app's address, with a provider of logins in the secrets of its user."""
    home = tmp_path_factory.mktemp("home")
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(provider.secrets(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        with running_app(root.home) as address:
            yield address


def rank(role: str) -> int:
    return ROLES.index(role)  # type: ignore[arg-type]


def sign_in(page: Any, name: str, password: str = PASSWORD) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.locator("button").click()


def enter(page: Any, root: Settings, url: str, name: str) -> None:
    """As somebody who has signed in before."""
    person = find_person(root, name)
    assert person
    page.context.add_cookies([{"name": COOKIE, "value": write_ticket(root, person), "url": url}])
    page.goto(url)
    settled(page)


def press(page: Any, entry: str) -> None:
    """An entry of the menu at the foot of the sidebar."""
    page.locator(".st-key-account button").click()
    page.get_by_text(entry, exact=True).click()


def test_a_person_signs_in_asks_and_signs_out(root: Settings, url: str, open_page: Open) -> None:
    page = open_page("en", at=url, path="knowledge")
    expect(page).to_have_url(f"{url}/login?next=/knowledge")
    sign_in(page, "bert", "not it")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    sign_in(page, "bert")
    expect(page.get_by_text(SECRET).first).to_be_attached()
    page.goto(url)
    box = page.get_by_test_id("stChatInputTextArea")
    for question in (ASKED, "And where is it?"):
        box.fill(question)
        box.press("Enter")
        expect(page.get_by_test_id("stChatMessage").last).to_contain_text("Oosterwal")
        expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_text(ASKED).first).to_be_visible()
    address = page.url
    press(page, "Sign out")
    expect(page).to_have_url(f"{url}/login")
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()
    assert SECRET not in page.content() and ASKED not in page.content()
    page.goto(address)
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("name", ["anna", "rita"])
def test_nobody_sees_what_is_another_s(
    root: Settings, url: str, open_page: Open, name: str
) -> None:
    """An admin sees as little of it as a reader; a page that the role lacks is not drawn."""
    person = find_person(root, name)
    assert person
    page = open_page("en", at=url)
    enter(page, root, url, name)
    expect(page.locator(".st-key-account")).to_contain_text(name)
    rows = pages()
    assert len(rows) > 8
    opens = [english for _, english, _, _, least in rows if rank(person.role) >= rank(least)]
    listed = opens if len(opens) > 1 else []  # of one page alone Streamlit makes no list
    for number, (_, english, *_) in enumerate(rows):
        page.goto(f"{url}/{english.lower() if number else '?chat=1'}")
        settled(page)
        text = page.content()
        assert SECRET not in text and ASKED not in text, english
        links = page.get_by_test_id("stSidebarNavLink").filter(has_text=english)
        assert links.count() == (english in listed), english
        drawn = page.get_by_role("heading", name=english, exact=True).count()
        assert drawn == (number > 0 and english in opens), english


def test_an_open_page_is_left_when_its_login_ends(
    root: Settings, url: str, open_page: Open
) -> None:
    for end in (lambda: set_password(root, "bert", PASSWORD), lambda: disable(root, "bert")):
        page = open_page("zh", at=url)
        enter(page, root, url, "bert")
        stolen = page.context.cookies()
        end()
        page.get_by_role("button", name="新对话").click()
        expect(page).to_have_url(f"{url}/login")
        page.context.add_cookies(stolen)
        page.goto(url)
        expect(page.get_by_label("密码")).to_be_visible()
    sign_in(page, "bert")
    expect(page.get_by_role("alert")).to_contain_text("停用")


def test_who_tries_too_often_is_told_to_wait(root: Settings, url: str, open_page: Open) -> None:
    take_try(root, "rita")
    with changing(root) as database:  # as if there had been many
        database.execute("update attempts set until = :until", {"until": time.time() + 60})
    page = open_page("zh", at=url, width=390)
    sign_in(page, "rita")
    expect(page.get_by_role("alert")).to_contain_text("秒")
    with changing(root) as database:
        database.execute("delete from attempts")


def test_the_real_app_serves_nothing_without_a_login(url: str, open_page: Open) -> None:
    page = open_page("en", at=url)
    spoofed = {"x-workbench-person": "anna", "x-user": "anna", "cookie": f"{COOKIE}=anna.x.y"}
    for path in (
        "",
        "static/index.html",
        "_stcore/host-config",
        "_stcore/agent/interact",
        "media/x",
    ):
        answer = page.request.get(f"{url}/{path}", headers=spoofed, max_redirects=0)
        assert answer.status in (303, 403), path
    assert page.request.get(f"{url}/_stcore/health").ok
    opened = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url)
            socket.onopen = () => done("open")
            socket.onerror = () => done("refused")
        })""",
        url.replace("http", "ws") + "/_stcore/stream",
    )
    assert opened == "refused"


def test_a_provider_lets_somebody_in(
    root: Settings, url: str, provider: Provider, open_page: Open
) -> None:
    provider.claims = {"sub": "17", "email": "nora@example.org", "email_verified": True}
    page = open_page("en", at=url)
    page.get_by_role("link", name="Sign in with your organisation").click()
    expect(page.locator(".st-key-account")).to_contain_text("nora@example.org")
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert COOKIE in names and not any(name.startswith("_streamlit_user") for name in names)
    person = find_person(root, "nora@example.org")
    assert person and person.role == "reader"
    provider.claims = {"sub": "anna"}  # who has a password here
    press(page, "Sign out")
    page.get_by_role("link", name="Sign in with your organisation").click()
    expect(page.get_by_role("alert")).to_contain_text("has a password here")


def test_an_admin_adds_and_disables_a_person_and_makes_a_key(
    root: Settings, url: str, open_page: Open
) -> None:
    page = open_page("en", at=url)
    enter(page, root, url, "anna")
    page.goto(f"{url}/people")
    page.get_by_role("button", name="Add").first.click()
    page.locator(".st-key-new_person_name input").fill("otto")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Add").click()
    shown = page.get_by_test_id("stCode").locator("code")
    expect(shown).to_be_visible()
    assert check_password(root, "otto", shown.inner_text()).role == "editor"
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("button", name="Enable", exact=True)).to_be_visible()
    otto = find_person(root, "otto")
    assert otto and otto.disabled
    press(page, "My account")
    page.locator(".st-key-key_name input").fill("phone")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_role("dialog").get_by_test_id("stCode")).to_contain_text("wb-")
    assert [(key.name, key.user) for key in list_keys(root)] == [("phone", "anna")]
    done = [(entry.who, entry.what) for entry in list_audit(root, 10)]
    assert {("anna", "person_added"), ("anna", "person_disabled"), ("anna", "key_created")} <= {
        *done
    }
