"""What runs make, as Prefect's assets: the archive, each destination, the backup.

Prefect tells of an asset by events alone, which it makes for tasks that are marked. We send the same events: a task run
more for each would cost a tenth of a second and show nothing.
"""

from __future__ import annotations

from typing import Any

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext
from prefect.events import emit_event

ARCHIVE = Asset(
    key="commonplace://archive",
    properties=AssetProperties(name="Commonplace", description="The archive of conversations."),
)
BACKUP = Asset(key="commonplace://backup", properties=AssetProperties(name="Commonplace: backup"))


def destination(name: str) -> Asset:
    """What is written of the archive to a destination."""
    return Asset(key=f"commonplace://destinations/{name}", properties=AssetProperties(name=f"Commonplace: {name}"))


def made(asset: Asset, of: Asset | None = None, **counts: Any) -> None:
    """This run made or changed an asset, of another one."""
    emit_event(
        "prefect.asset.materialization.succeeded",
        resource=AssetContext.asset_as_resource(asset),
        related=[AssetContext.asset_as_related(of)] if of else [],
        payload=counts,
    )
