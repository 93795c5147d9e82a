"""How the server presents itself: closed unless told otherwise, and the founding system's variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.config import load
from commonplace.errors import Refused
from commonplace.web.settings import WebSettings, complete


def _complete(folder: Path, toml: str = "", insecure: bool = False, **variables: str) -> WebSettings:
    (folder / "commonplace.toml").write_text(toml)
    settings, environment = load({"COMMONPLACE_HOME": str(folder), **variables}, folder=folder)
    return complete(settings, environment, insecure=insecure)


def test_it_listens_on_this_machine_only_unless_told_otherwise(tmp_path: Path) -> None:
    web = _complete(tmp_path)
    assert (web.host, web.port, web.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert web.hosts == {"localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4"])  # noqa: S104
@pytest.mark.parametrize("public", ["", "public_url = 'http://book.example'"])
def test_open_to_a_network_without_https_is_refused_with_the_reason(tmp_path: Path, host: str, public: str) -> None:
    toml = f"[server]\nhost = '{host}'\n{public}\n"
    with pytest.raises(Refused, match="unencrypted"):
        _complete(tmp_path, toml)
    assert _complete(tmp_path, toml, insecure=True).host == host


def test_behind_an_https_proxy_it_goes_by_the_public_name(tmp_path: Path) -> None:
    web = _complete(tmp_path, "[server]\nhost = '0.0.0.0'\npublic_url = 'https://Book.example:8443/'\n")
    assert web.base_url == "https://book.example:8443"
    assert "book.example" in web.hosts


@pytest.mark.parametrize("url", ["book.example", "ftp://book.example", "https://book.example/path", "https://"])
def test_a_public_url_is_the_address_of_a_server(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refused, match="public_url"):
        _complete(tmp_path, f"[server]\npublic_url = '{url}'\n")


def test_the_founding_variables_work(tmp_path: Path) -> None:
    web = _complete(
        tmp_path,
        HOST="127.0.0.2",
        PORT="9000",
        RATELIMIT_DEFAULT="7/second",
        RATELIMIT_STORAGE_URI="redis://counter.example:6379",
        CORS_ORIGINS="https://a.example, https://b.example",
    )
    assert (web.host, web.port, web.rate_limit) == ("127.0.0.2", 9000, "7/second")
    assert web.rate_limit_storage == "redis://counter.example:6379"
    assert web.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(("host", "port"), [("x86_64-conda-linux-gnu", "tcp://10.0.0.1:8000"), ("my-laptop", "")])
def test_what_other_programs_call_host_and_port_is_not_taken_for_ours(tmp_path: Path, host: str, port: str) -> None:
    web = _complete(tmp_path, HOST=host, PORT=port)
    assert (web.host, web.port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "-1"), ("PORT", "80a"), ("PORT", "65536"), ("PORT", "http"), ("RATELIMIT_DEFAULT", "often")],
)
def test_a_variable_that_makes_no_sense_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"^{name} must be "):
        _complete(tmp_path, "", False, **{name: value})


def test_a_port_of_0_is_whichever_is_free(tmp_path: Path) -> None:
    assert _complete(tmp_path, PORT="0").port == 0


def test_a_proxy_that_is_no_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="trusted_proxies: 'nginx'"):
        _complete(tmp_path, "[server]\ntrusted_proxies = ['nginx']\n")
