"""Tell a person of failed and missing runs, through Prefect's own automations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from prefect.automations import AutomationCore
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import CallWebhook, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from pydantic import SecretStr

from commonplace.config import Settings
from deployments.definitions import OURS

FAILED = "Commonplace: a run failed"
MISSING = "Commonplace: the pipeline has not run"
SUBJECT = "Commonplace: {{ flow_run.name }}"
BODY = "{{ flow_run.name }} ended as {{ flow_run.state.name }}: {{ flow_run.state.message }}"


def apply_alerts(client: SyncPrefectClient, settings: Settings) -> None:
    """The automations that the settings ask for, and none that they no longer do."""
    actions = _actions(settings)
    wanted = _automations(settings, actions) if actions else []
    replace(client, (FAILED, MISSING), wanted)


def replace(client: SyncPrefectClient, names: Iterable[str], wanted: Iterable[AutomationCore]) -> None:
    """These automations, in the place of all that have one of the names."""
    for name in names:
        for found in client.read_automations_by_name(name):
            client.delete_automation(found.id)
    for automation in wanted:
        client.create_automation(automation)


def _actions(settings: Settings) -> list[Any]:
    alerts = settings.alerts
    actions: list[Any] = []
    if alerts.webhook:
        webhook = Webhook(method="POST", url=SecretStr(alerts.webhook))
        actions.append(CallWebhook(block_document_id=_saved(webhook, "commonplace-alerts"), payload=BODY))
    if alerts.slack:
        slack = SlackWebhook(url=SecretStr(alerts.slack))
        block = _saved(slack, "commonplace-alerts")
        actions.append(SendNotification(block_document_id=block, subject=SUBJECT, body=BODY))
    if alerts.email:
        from prefect.blocks.core import Block

        sender = Block.load("email-server-credentials/default")
        actions.append(SendNotification(block_document_id=sender._block_document_id, subject=SUBJECT, body=BODY))  # type: ignore[union-attr]
    return actions


def _saved(block: Any, name: str) -> Any:
    return block.save(name, overwrite=True)


def _automations(settings: Settings, actions: list[Any]) -> list[AutomationCore]:
    failed = AutomationCore(
        name=FAILED,
        description="Tells of every run of Commonplace that failed or crashed.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification.model_validate(OURS),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=actions,
    )
    if not settings.alerts.missing_after_hours:
        return [failed]
    missing = AutomationCore(
        name=MISSING,
        description="Tells when no pipeline run completed for too long.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Completed"},
            match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification.model_validate(
                {"prefect.resource.role": "flow", "prefect.resource.name": "pipeline"}
            ),
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(hours=settings.alerts.missing_after_hours),
        ),
        actions=actions,
    )
    return [failed, missing]
