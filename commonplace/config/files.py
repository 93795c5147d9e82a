"""Where settings lie: which files count for whom, and what stands in them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from commonplace.environment import Environment, read_dotenv
from commonplace.errors import Refused
from commonplace.locked import locked

_TEXT = "COMMONPLACE_SETTINGS"
"""The variable whose text counts as a settings file where there is none: on a machine that only works."""


class Files(NamedTuple):
    """The home, and the files that settings and variables are read from."""

    home: Path
    used: Path | None
    unused: Path | None
    """A settings file in the folder that gives way to the home's."""
    dotenvs: list[Path]
    of_folder: list[Path]


def find_files(variables: Mapping[str, str], *, config_file: Path | None = None, folder: Path | None = None) -> Files:
    """Which files count: the one that is named, else the home's, else the folder's; each with the `.env` beside it."""
    folder = (folder or Path.cwd()).absolute()
    named = config_file or (Path(variables["COMMONPLACE_CONFIG"]) if variables.get("COMMONPLACE_CONFIG") else None)
    if named is not None and not named.is_file():
        raise Refused(f"There is no settings file {named}.")
    beside = [named.absolute().parent] if named else []
    told = [variables, *(read_dotenv(place / ".env") for place in beside)]
    said = next((said for where in told if (said := where.get("COMMONPLACE_HOME"))), None)
    home = Path(said or _default_home()).expanduser().absolute()
    of_home, of_folder = home / "commonplace.toml", folder / "commonplace.toml"
    trusted = [*beside, home]
    return Files(
        home=home,
        used=named or next((file for file in (of_home, of_folder) if file.is_file()), None),
        unused=of_folder if not named and folder != home and of_home.is_file() and of_folder.is_file() else None,
        dotenvs=[place / ".env" for place in dict.fromkeys(trusted)],
        of_folder=[folder / ".env"] if folder not in trusted else [],
    )


def _default_home() -> str:
    import platformdirs

    return platformdirs.user_data_dir("commonplace", appauthor=False)


def read_settings(path: Path | None, environment: Environment) -> tuple[dict[str, Any], str]:
    """What the file says, or the text that stands for one, and where that is."""
    text, where = (_read(path), str(path)) if path else (environment.get(_TEXT) or "", _TEXT)
    return _parse(text, where), where if text else "The environment"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Refused(f"{path} cannot be read.", hint="It is text in UTF-8, which its owner may read.") from exc


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise Refused(f"{where} is not valid TOML: {exc}.") from exc
    except RecursionError as exc:
        raise Refused(f"{where} is nested too deeply.") from exc


def dotenv_of(home: Path) -> Path:
    """The file of secrets that commands and pages write."""
    return home / ".env"


def keep_typed(home: Path, secrets: Mapping[str, str]) -> None:
    """Keep what a person typed, and the address it is for, in a file of the home that nobody else can read."""
    from dotenv import set_key

    path = dotenv_of(home)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / ".env.lock"):  # it is read, and written anew as a whole
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        for name, value in secrets.items():
            path.chmod(0o600)
            set_key(path, name, value)
