"""What the parameters of a run are called in its form. Their descriptions are in the flows' docstrings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field


def titled(title: str) -> Any:
    """A parameter's title: Prefect gives each its name as one, over which only this goes."""
    return Field(json_schema_extra={"title": title})


Owner = Annotated[str | None, titled("Whose conversations")]
Since = Annotated[date | None, titled("From this day on")]
Until = Annotated[date | None, titled("Until before this day")]
ProjectName = Annotated[str | None, titled("Only this project")]
Chosen = Annotated[str | None, titled("Only a choice made on the pages, by its name")]
Limit = Annotated[int | None, titled("At most so many conversations")]
Paths = Annotated[list[str] | None, titled("Files or folders to import")]
Account = Annotated[str, titled("Which account they are of")]
Destinations = Annotated[list[str] | None, titled("Destinations")]
Force = Annotated[bool, titled("Do again what is done")]
DryRun = Annotated[bool, titled("Only say what would be done")]
