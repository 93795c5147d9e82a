"""Variables and where they were set: the process, the home's `.env`, the `.env` of the folder one stands in.

An address in a folder's `.env` is used only with a key from the same place. Else whoever writes an `.env` into a folder
could have the keys of everybody who works there sent to himself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path

from commonplace.errors import Refused

_ADDRESSES = ("_URL", "_ENDPOINT", "_API")
_KEYS = ("_API_KEY", "_TOKEN", "_AUTH_STRING")
_FILES = "COMMONPLACE_FILES"
_SAY_WHERE = {
    "COMMONPLACE_HOME",
    "COMMONPLACE_CONFIG",
    "COMMONPLACE_DATABASE_URL",
    "COMMONPLACE_SETTINGS",
    _FILES,
    "PREFECT_API_URL",
}
"""What decides where conversations and keys are kept: a folder that one happens to stand in does not."""


class Place(Mapping[str, str]):
    """Variables that were set in one place, which has a name."""

    is_of_folder = False
    """Whether it is a folder that one happens to stand in, which somebody else may have filled."""
    is_last_resort = False
    """Whether what is set here is only there for those who set nothing."""

    def __init__(self, name: str, variables: Mapping[str, str]) -> None:
        self.name = name
        self._variables = variables

    def __getitem__(self, variable: str) -> str:
        return self._variables[variable]

    def learn(self, variables: Mapping[str, str]) -> None:
        """Know what was written there since."""
        self._variables = {**self._variables, **variables}

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


class Environment:
    """Places that are asked one after the other, the process's own variables first. Its repr shows no values."""

    def __init__(self, variables: Mapping[str, str], *more: Place) -> None:
        self._places = [Place("the environment", variables), *more]

    def under(self, place: Place) -> Environment:
        """The same, with what is set in this place before everything else."""
        other = copy(self)
        other._places = [place, *self._places]
        return other

    def get(self, *names: str) -> str | None:
        """What the variable is set to; of several names for the same, the first that is."""
        for place in self._places:
            for name in names:
                if (value := place.get(name)) and self._belongs(name, place):
                    return value
        return None

    def place_of(self, *names: str) -> str | None:
        """Where the variable was set, in words."""
        return next((place.name for place in self._places if any(place.get(name) for name in names)), None)

    def learn(self, place: str, variables: Mapping[str, str]) -> None:
        """Know what was written to this place since; so does whoever shares it."""
        next(each for each in self._places if each.name == place).learn(variables)

    def addresses_of(self, keys: Iterable[str]) -> dict[str, str]:
        """Where these keys are used now. Kept with them: a key goes only where its own place says."""
        services = {key.partition("_")[0] for key in keys}
        addresses = [name for name in self.names() if name.endswith(_ADDRESSES) and name.partition("_")[0] in services]
        return {name: value for name in addresses if (value := self.get(name))}

    def names(self) -> set[str]:
        """Every variable that is set somewhere."""
        return {name for place in self._places for name in place}

    def has_key_for(self, address: str) -> bool:
        """Whether a key is set that is used at what this variable says."""
        return any(place.get(key) for key in self._partners(address) for place in self._places)

    def _belongs(self, name: str, place: Place) -> bool:
        """Whether it may be used with what goes with it: the key for an address, the database for its files."""
        partners = self._partners(name)
        holder = next((other for other in self._places if any(other.get(key) for key in partners)), place)
        if holder is place or not (place.is_of_folder or place.is_last_resort):
            return True
        if place.is_last_resort:
            return False
        key = next(key for key in partners if holder.get(key))
        raise Refused(
            f"{name} is set in {place.name}, but {key} in {holder.name}.",
            hint="A folder's address is used only with a key from the same place: set both in one of them.",
        )

    def _partners(self, name: str) -> list[str]:
        """What has to come from the same place as this variable."""
        service = name.partition("_")[0]
        if name == _FILES:
            return ["COMMONPLACE_DATABASE_URL"]
        if not is_address(name):
            return []
        return [other for other in self.names() if other.startswith(f"{service}_") and other.endswith(_KEYS)]

    def __repr__(self) -> str:
        return f"Environment({len(self.names())} variables)"


def is_address(name: str) -> bool:
    """Whether a variable says where a service is."""
    service, separator, _ = name.partition("_")
    return bool(separator) and name.endswith(_ADDRESSES) and service not in ("COMMONPLACE", "PREFECT")


def read_dotenv(path: Path, *, expands: bool = True) -> Place:
    """The variables of a file, if there is one. `${NAME}` in it stands for a variable of this process, unless nothing
    `expands`: what somebody else typed has none of ours."""
    from dotenv import dotenv_values

    try:
        found = dotenv_values(path, interpolate=expands) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as exc:
        raise Refused(f"{path} cannot be read.", hint="It is text in UTF-8, which its owner may read.") from exc
    return Place(str(path), {name: value for name, value in found.items() if value})


def read_dotenv_of_folder(path: Path) -> Place:
    """The variables of the file in a folder that one happens to stand in: keys with their addresses."""
    found = read_dotenv(path)
    if moved := sorted(_SAY_WHERE & set(found)):
        raise Refused(
            f"{path} sets {', '.join(moved)}, which the .env of a folder does not decide.",
            hint="Export it, or put it into the .env of COMMONPLACE_HOME.",
        )
    found.is_of_folder = True
    return found
