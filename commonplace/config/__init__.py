"""Settings. Secrets are kept apart from them, in the environment, so that a settings object can be printed."""

from commonplace.config.loading import load
from commonplace.config.sections import (
    AccountSettings,
    AnswerSettings,
    CategorizeSettings,
    HookEvent,
    HookSettings,
    MailSettings,
    MeaningSettings,
    OpenAISettings,
    PriceSettings,
    ProjectSettings,
    ReminderSettings,
    RunSettings,
    ScheduleSettings,
    Settings,
    WatchSettings,
)
from commonplace.environment import Environment

__all__ = [
    "AccountSettings",
    "AnswerSettings",
    "CategorizeSettings",
    "Environment",
    "HookEvent",
    "HookSettings",
    "MailSettings",
    "MeaningSettings",
    "OpenAISettings",
    "PriceSettings",
    "ProjectSettings",
    "ReminderSettings",
    "RunSettings",
    "ScheduleSettings",
    "Settings",
    "WatchSettings",
    "load",
]
