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
from prefect.events.schemas.automations import Automation, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.types import SecretDict
from pydantic import SecretStr

from commonplace.config import Settings
from deployments.definitions import OURS, name_of

FAILED = "Commonplace: a run failed"
MISSING = "Commonplace: the pipeline has not run"
SUBJECT = "Commonplace: {{ flow_run.name }}"
BODY = "{{ flow_run.name }} ended as {{ flow_run.state.name }}: {{ flow_run.state.message }} {{ flow_run|ui_url }}"
JSON = """{{ {
  "run": flow_run.name, "state": flow_run.state.name, "message": flow_run.state.message, "link": flow_run|ui_url
} | tojson }}"""
RUNS_OF_DEPLOYMENTS = [OURS, {"prefect.resource.role": "deployment"}]
"""A run that another one starts inside itself has no deployment: its failure is told by the outer one."""


def apply_alerts(client: SyncPrefectClient, settings: Settings, *, is_local: bool) -> None:
    """The automations that the settings ask for, and none that they no longer do."""
    actions = _actions(settings)
    wanted = _automations(settings, actions, is_local=is_local) if actions else []
    replace(client, (FAILED, MISSING), wanted)


def replace(client: SyncPrefectClient, names: Iterable[str], wanted: Iterable[AutomationCore]) -> None:
    """These automations, in the place of all that have one of the names. What a person switched off stays off."""
    there = called(client, names)
    off = {each.name for each in there if not each.enabled}
    for each in there:
        client.delete_automation(each.id)
    for automation in wanted:
        automation.enabled = automation.name not in off
        client.create_automation(automation)


def called(client: SyncPrefectClient, names: Iterable[str]) -> list[Automation]:
    """The automations that have one of these names."""
    return [each for name in names for each in client.read_automations_by_name(name)]


def _actions(settings: Settings) -> list[Any]:
    alerts = settings.alerts
    actions: list[Any] = []
    if alerts.webhook:
        headers = SecretDict({"Content-Type": "application/json"})
        webhook = Webhook(method="POST", url=SecretStr(alerts.webhook), headers=headers)
        actions.append(CallWebhook(block_document_id=_saved(webhook, "commonplace-alerts"), payload=JSON))
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


def _automations(settings: Settings, actions: list[Any], *, is_local: bool) -> list[AutomationCore]:
    failed = AutomationCore(
        name=FAILED,
        description="Tells of every run of Commonplace that failed or crashed.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=[ResourceSpecification.model_validate(each) for each in RUNS_OF_DEPLOYMENTS],
            for_each={"prefect.resource.id"},
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
            match_related=[
                ResourceSpecification.model_validate(OURS),
                ResourceSpecification.model_validate(
                    {"prefect.resource.role": "flow", "prefect.resource.name": name_of("pipeline", is_local=is_local)}
                ),
            ],
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(hours=settings.alerts.missing_after_hours),
        ),
        actions=actions,
    )
    return [failed, missing]
