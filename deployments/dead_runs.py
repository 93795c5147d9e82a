"""A run that died without a word is marked as crashed, so that it neither looks alive nor holds up the next one.

Its worker tells of a run's death, and `commonplace up` looks for the processes of this machine; where a whole machine
went, worker and all, nobody is left to tell. So runs of our deployments send a heartbeat every 30 seconds, the least
that Prefect allows (`prefect.yaml` sets it), and the server takes 50 seconds without one for the end.

A living run that is taken for dead, because its machine slept or the server was away, does no harm: the stage's lease
in the archive is still its own, so the next run waits or is told, and whatever both do is done once.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from deployments.alerts import replace
from deployments.definitions import OURS

NAME = "Commonplace: a run died"
SILENCE = timedelta(seconds=50)
MESSAGE = "This run was not heard of any more. The next run does what is still missing."


def apply_watch(client: SyncPrefectClient) -> None:
    """The automation, as it is today."""
    replace(client, [NAME], [_automation()])


def _automation() -> AutomationCore:
    return AutomationCore(
        name=NAME,
        description="Marks runs of Commonplace as crashed that stopped sending heartbeats.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification.model_validate(OURS),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=MESSAGE, force=False)],
    )
