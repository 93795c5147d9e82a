"""Code is coloured where that takes no time, and stands there as it is otherwise."""

from __future__ import annotations

from html import escape

from pygments.lexers import get_lexer_by_name

from commonplace.web.colouring import LONGEST, READ, coloured


def test_code_has_colours() -> None:
    assert '<span class="k-k">def</span>' in coloured("def f(a): return a < 1", "python")


def test_what_nobody_knows_or_is_long_stays_as_it_is() -> None:
    for code, language in (("a < b", "no such language"), ("a < b", ""), ("a < b\n" * LONGEST, "python")):
        assert coloured(code, language) == escape(code)


def test_what_would_keep_others_waiting_stays_as_it_is() -> None:
    for language, sign in (
        ("perl", "s{"),
        ("abap", "<"),
        ("html+ng2", "("),
    ):  # each sign looks for its end in all that follows
        code = sign * (LONGEST // len(sign))
        assert coloured(code, language) == escape(code)


def test_languages_are_known_by_the_first_of_their_names() -> None:
    assert {get_lexer_by_name(name).aliases[0] for name in READ} == READ
