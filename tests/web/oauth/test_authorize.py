"""What a person is asked, and what is told where: nothing at an address that is not the program's own."""

from __future__ import annotations

from typing import Any

from commonplace.archive.access import clients, users
from commonplace.archive.access.tables import codes, grants, tokens
from commonplace.archive.core import Archive
from tests.web.conftest import HASHED, PASSWORD, Forms, Live
from tests.web.oauth.conftest import GPT, MakeProgram, Program, told

EVIL = "https://evil.example/callback"
ALTERED = (
    "http://program.example/callback",
    "https://program.example/callback/",
    "https://program.example/Callback",
    "https://PROGRAM.example/callback",
    "HTTPS://program.example/callback",
    "https://program.example:443/callback",
    "https://program.example:8443/callback",
    "https://program.example/callback?x=1",
    "https://program.example/callback?",
    "https://program.example/callback#x",
    "https://program.example/callback%2f",
    "https://program.example/%63allback",
    "https://program.example/callback/../callback",
    "https://program.example/./callback",
    "https://program.example//callback",
    "https://me@program.example/callback",
    "https://program.example@evil.example/callback",
    "https://program.example.evil.example/callback",
    "https://program.example./callback",
    "https://sub.program.example/callback",
    "https://program.example\\@evil.example/callback",
    " https://program.example/callback",
    "https://program.example/callback\r\nlocation: https://evil.example",
    "https://program.example/callback\x00",
    "//program.example/callback",
    "/callback",
    "javascript:alert(1)//program.example/callback",
    EVIL,
    "",
)


def test_an_address_that_is_not_the_programs_own_gets_nothing(program: Program) -> None:
    for altered in ALTERED:
        reply = program.ask(program.question(redirect_uri=altered))
        assert reply.status_code == 400, altered
        assert "location" not in reply.headers
        assert all(form["action"] != "/oauth/consent" for form in Forms.of(reply.text))


def test_nor_does_one_that_is_told_twice(program: Program) -> None:
    asked = [*program.question().items(), ("redirect_uri", EVIL)]
    reply = program.browser.client.get("/oauth/authorize", params=asked, headers={"accept": "text/html"})
    assert reply.status_code == 400
    assert "location" not in reply.headers


def test_a_program_that_is_not_known_is_told_to_the_person_alone(program: Program) -> None:
    for id in (None, "", "nobody", "x' OR '1'='1", "a" * 3000, "\u00e9", "https://evil.example"):
        reply = program.ask(program.question(client_id=id))
        assert reply.status_code == 400, id
        assert "location" not in reply.headers


def test_who_is_not_logged_in_logs_in_first_and_comes_back(program: Program) -> None:
    program.browser = program.live.browser()
    asked = program.ask(program.question(state="s" * 3000))
    assert asked.headers["location"].startswith("/login?next=/oauth/authorize")
    back = program.browser.log_in(path=asked.headers["location"])
    page = program.browser.get(back.headers["location"])
    assert program.answer(page)["state"] == "s" * 3000


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": "write:everything"}, "invalid_scope"),
    ({"resource": "https://other.example/mcp"}, "invalid_target"),
)


def test_what_is_wrong_is_told_to_the_program_at_its_address(program: Program) -> None:
    for changes, error in WRONG:
        reply = program.ask(program.question(**changes))
        assert reply.status_code == 303
        assert reply.headers["location"].startswith(program.redirect_uri)
        answer = told(reply)
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "s-1", program.live.server.web.base_url)
        assert "code" not in answer


def test_without_pkce_there_has_to_be_a_state(gpt: Program) -> None:
    assert told(gpt.ask(gpt.question(state=None)))["error"] == "invalid_request"


def test_the_question_shows_who_asks_for_what_and_cannot_be_framed(program: Program) -> None:
    page = program.ask(program.question(scope="read:memories"))
    assert page.status_code == 200
    assert "A program" in page.text
    assert "https://program.example" in page.text
    assert "List your conversations" in page.text
    assert "Ask questions" not in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://program.example;" in policy


def test_a_name_can_neither_run_nor_hide_anything(make: MakeProgram) -> None:
    page = (program := make(name="<script>alert(1)</script>")).ask(program.question())
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_no_is_told_and_gives_nothing(program: Program) -> None:
    answer = program.answer(program.ask(program.question()), "no")
    assert (answer["error"], answer["iss"]) == ("access_denied", program.live.server.web.base_url)
    assert _count(program.live) == (0, 0, 0)


def test_the_yes_of_another_site_of_another_person_or_without_a_form_counts_for_nothing(program: Program) -> None:
    page = program.ask(program.question())
    (form,) = (form for form in Forms.of(page.text) if form["action"] == "/oauth/consent")
    client = program.browser.client
    sent = form["fields"] | {"answer": "yes"}
    assert client.post("/oauth/consent", data=sent, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post("/oauth/consent", data=sent | {"csrf": ""}).status_code == 403
    assert program.browser.submit(page, "/oauth/consent", answer="yes", asked="made up").status_code == 400
    users.add_user(program.live.archive, "eve", HASHED(PASSWORD), owner="eve")
    hers = program.live.logged_in("eve")
    eves_page = hers.client.get("/oauth/authorize", params=program.question(), headers={"accept": "text/html"})
    stolen = hers.submit(eves_page, "/oauth/consent", answer="yes", asked=sent["asked"])
    assert stolen.status_code == 400
    assert _count(program.live) == (0, 0, 0)


def test_a_person_is_asked_every_time_unless_they_say_not_to(program: Program) -> None:
    program.answer(program.ask(program.question(scope="read:memories")))
    assert program.ask(program.question(scope="read:memories")).status_code == 200
    program.answer(program.ask(program.question(scope="read:memories")), remember="yes")
    again = program.ask(program.question(scope="read:memories"))
    assert again.status_code == 303
    assert program.exchange(told(again)["code"]).json()["scope"] == "read:memories"
    assert program.ask(program.question(scope="read:archive")).status_code == 200


def test_what_listens_on_the_persons_machine_is_asked_about_every_time(make: MakeProgram) -> None:
    program = make(redirect_uri="http://127.0.0.1:4000/callback", public=True)
    program.answer(program.ask(program.question()), remember="yes")
    assert program.ask(program.question()).status_code == 200


def test_only_programs_that_were_not_added_choose_their_port_on_this_machine(make: MakeProgram) -> None:
    known = "http://127.0.0.1:4000/callback"
    native, fixed = make(redirect_uri=known, public=True, kind="registered"), make(redirect_uri=known, public=True)
    for port in ("", ":1", ":54321"):
        asked = {"redirect_uri": f"http://127.0.0.1{port}/callback"}
        assert native.ask(native.question(**asked)).status_code == 200
        assert native.ask(native.question(redirect_uri=f"http://localhost{port}/callback")).status_code == 400
        assert native.ask(native.question(redirect_uri=f"http://127.0.0.1{port}/other")).status_code == 400
        assert fixed.ask(fixed.question(**asked)).status_code == 400
    for port in (":0", ":04000", ":", ":4000@evil.example", ":4000.evil.example"):
        assert native.ask(native.question(redirect_uri=f"http://127.0.0.1{port}/callback")).status_code == 400


def test_a_gpt_is_learned_from_its_first_yes_and_then_is_the_only_one(gpt: Program) -> None:
    other = GPT.replace("g-abc123", "g-zzz999")
    assert gpt.ask(gpt.question(redirect_uri=EVIL)).status_code == 400
    assert gpt.ask(gpt.question(redirect_uri=f"{GPT}/x")).status_code == 400
    first, second = gpt.ask(gpt.question()), gpt.ask(gpt.question(redirect_uri=other))
    assert "this GPT alone" in first.text
    gpt.answer(first)
    assert gpt.browser.submit(second, "/oauth/consent", answer="yes").status_code == 400
    assert gpt.ask(gpt.question(redirect_uri=other)).status_code == 400
    gpt.redirect_uri = GPT.replace("chat.openai.com", "chatgpt.com")
    assert gpt.tokens()["access_token"]


def test_a_registered_program_that_is_over_is_not_known(make: MakeProgram) -> None:
    program = make(kind="registered", expires_at=1)
    assert program.ask(program.question()).status_code == 400
    clients.prune(program.live.archive)
    assert clients.find_client(program.live.archive, program.client.id) is None


def _count(live: Live) -> tuple[int, ...]:
    archive: Archive = live.archive
    with archive.read() as connection:
        return tuple(len(connection.execute(table.select()).all()) for table in (grants, codes, tokens))
