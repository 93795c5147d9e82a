"""What may be set, by section: names, types, bounds and defaults."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Any, Literal

import msgspec

from commonplace.bounds import (
    AnyPort,
    AtLeastOne,
    CronLine,
    Days,
    DaysOfAYear,
    DaysOrNever,
    Dollars,
    Hours,
    HoursOrNever,
    Name,
    Natural,
    Port,
    Rate,
    Seconds,
    SecondsOfADay,
    Share,
    WholeSecondsOrNone,
)
from commonplace.model import DEFAULT_OWNER
from commonplace.moments import zone_named


class ImportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    inbox: str = ""
    """A folder that is watched: what is dropped there is imported by the next run. Empty: `inbox` under the home."""
    keep_exports: bool = True
    """Keep a copy of every imported file, so that conversations can be rebuilt."""


class WatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folders: tuple[str, ...] = ()
    """Folders such as ~/Downloads: what comes in there and is an export is imported. It stays where it is."""
    histories: tuple[str, ...] = ()
    """Agents of this machine whose sessions are imported as soon as they rest: their sources' names."""


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several accounts of an assistant: its conversations are kept apart from those of the others."""

    source: str = ""
    """Which assistant's it is. Empty: that by whose name it is called."""
    address: str = ""
    """Who it belongs to: where the assistant's mail for it goes, and by what its exports are known that name it."""
    folders: tuple[str, ...] = ()
    """Watched folders: what comes in there from this assistant is of this account."""
    every_days: DaysOrNever | None = None
    """How old its last export may be. Nothing: as for all."""

    def source_of(self, name: str) -> str:
        """Which assistant's it is, called so."""
        return self.source or name


class ReminderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    every_days: DaysOrNever = 30
    """When the last export of an account is so old, the web app says that it is time for a new one. 0: never."""
    poke: str = ""
    """The destination of the kind Poke that is told when a click is needed. Empty: none."""
    mail: str = ""
    """Who gets a mail then, through the server that `[mail]` names. Empty: nobody."""


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox in which mails about exports are noticed, and the server that reminders are sent through.

    The password of both is MAIL_PASSWORD, in the environment, in .env or in a saved block.
    """

    host: str = ""
    """The IMAP server. Empty: no mail is read."""
    port: Port = 993
    """At 143 encryption is asked for after the greeting (STARTTLS), and nothing is said without it."""
    user: str = ""
    folder: str = "INBOX"
    """The one folder that is looked at. Nothing in it is changed."""
    server: str = ""
    """How your mail server calls itself in the Authentication-Results of a mail, such as mx.google.com."""
    plain: bool = False
    """Without encryption: for a server on this machine alone."""
    smtp_host: str = ""
    """The server that sends reminders. Empty: none is sent."""
    smtp_port: Port = 465
    """Where it is not 465, encryption is asked for after the greeting (STARTTLS), and nothing is said without it."""


class CategorizeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    judge: str = "local"
    """Who decides. `local` needs no key and no network."""
    taxonomy: str = "everyday"
    """The set of categories, by name."""
    analysis: Literal["category", "summary", "insights"] = "summary"
    """How deep: the category and tags, a summary as well, or the insights document as well."""
    model: str = "gpt-6-luna"
    """For the judges that have models."""
    max_cost: Dollars = 1.0
    """US dollars a run may spend; it stops before the next request would pass it."""
    review_below: Share = 0.5
    """Verdicts less confident than this wait in the review queue."""


class OpenAISettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whatever asks OpenAI, or the server at OPENAI_BASE_URL."""

    requests_per_minute: Natural = 0
    """Where the service's answers name no limit. 0: what a new account may do; at another address, any number."""
    tokens_per_minute: Natural = 0
    """The same for tokens."""
    concurrency: Natural = 0
    """Requests at a time. 0: 48, and 4 for the judge `compatible`."""
    timeout_seconds: Seconds = 180.0
    """How long one answer may take: more for a model that thinks long or a machine that is slow."""


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    """Of input that is read from the service's cache of prompts."""


class MeaningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str = "use"
    """What makes vectors of what was said. `use` knows 16 languages, `minilm` (extra `english`) English alone, and
    better; both need no key and no network. Any other name is a model's at OpenAI, or at the server of OPENAI_BASE_URL.
    Empty: words alone."""
    max_cost: Dollars = 1.0
    """US dollars a run may spend on vectors."""


class AnswerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str = ""
    """Who answers `ask`. Empty: the model of `[categorize]`, where there is a key or an address. `none`: nobody, and
    what was found is quoted."""
    max_cost: Dollars = 0.05
    """US dollars that one answer may cost."""
    context: Natural = 0
    """Tokens of the archive that the model is shown. 0: 12,000 at OpenAI, 3,000 at a server of one's own."""
    store_days: DaysOfAYear = 30
    """After so many days without a question a project's vector store at OpenAI expires."""
    store_max_cost: Dollars = 1.0
    """US dollars that a project's vector store may cost in that time."""


class ProjectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title_patterns: tuple[str, ...] = (r"^\[(?P<project>[^\]]{2,60})\]\s*",)
    """Regular expressions with a group `project`: a title that matches belongs to the project of that name."""
    gpts: dict[str, str] = {}
    """Custom GPT id (`g-...`) to the name or id of a project."""
    sources: dict[str, str] = msgspec.field(default_factory=lambda: {"omi": "OMI"})
    """Source to the name or id of the project of what no rule finds one for. `{}`: it stays without."""
    names: str = ""
    """A TOML file of project ids and names."""
    similarity: bool = True
    """Assign conversations that are much like a project's own."""
    precision: Share = 0.9
    """How sure an assignment by similarity must be; the threshold is learned so that this share is right."""
    suggest_above: Share = 0.5
    """Below the threshold but above this it becomes a suggestion."""
    namer: Literal["local", "openai", "compatible"] = "local"
    """Who proposes names for projects that nobody named. `local` needs no key and no network."""
    model: str = ""
    """For the namers that have models. Empty: that of `[categorize]`."""
    max_cost: Dollars = 1.0
    """US dollars a run may spend on names."""


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    import_exports: CronLine = "*/15 * * * *"
    """A cron line per flow, in the settings' time zone. Empty: not on a schedule."""
    watch: CronLine = "*/5 * * * *"
    """Only where [watch] names something."""
    remind_export: CronLine = "7 * * * *"
    """Only where there is a mailbox, or somebody to tell."""
    pipeline: CronLine = "0 3 * * *"
    collect_batches: CronLine = "*/20 * * * *"
    receive_omi: CronLine = "*/5 * * * *"
    reconcile_omi: CronLine = "30 2 * * *"
    deliver_hooks: CronLine = "*/5 * * * *"
    maintain: CronLine = "30 4 * * 0"


HookEvent = Literal[
    "import.completed",
    "categorize.completed",
    "sync.completed",
    "review.waiting",
    "project.suggested",
    "export.due",
    "export.ready",
    "run.failed",
]


class HookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    """What is told of events. What it is signed with is COMMONPLACE_HOOK_NAME_SECRET, in the environment or .env."""
    events: tuple[HookEvent, ...] = ()
    """Which events. Empty: all."""
    allow_private: bool = False
    """Whether it may be on this machine or in its network."""
    timeout_seconds: Seconds = 15.0
    """How long to wait for an answer."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    webhook: str = ""
    """A URL that is told of failed and missing runs."""
    slack: str = ""
    """A Slack webhook URL."""
    email: tuple[str, ...] = ()
    """Addresses; needs a saved `email-server-credentials` block."""
    missing_after_hours: HoursOrNever = 0
    """Tell when no pipeline run completed for so long. 0: never."""


class MaintainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keep_backups: AtLeastOne = 7
    """How many backups stay in the home."""
    keep_runs_days: Days = 90
    """Run history older than this is pruned."""
    keep_results_days: Days = 90
    """Cached task results older than this are pruned."""


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    task_runner: Literal["threads", "dask"] = "threads"
    """What maps chunks: threads in the flow's process, or a Dask cluster."""
    workers: AtLeastOne = 4
    """Chunks at a time."""
    at_once: AtLeastOne = 4
    """Runs that the worker of this machine has going at a time. Those that somebody asked for begin first."""
    dask_address: str = ""
    """A Dask scheduler. Empty: a local cluster for the run."""
    fail_above: Share = 0.05
    """A run fails when more than this share of its items failed; below, it completes with defects."""
    lease_seconds: SecondsOfADay = 60.0
    """A run that gave no sign of life for so long, a day at most, may be replaced by another, and writes no more."""
    port: AnyPort = 0
    """The local Prefect server's port. 0: 4200 or the next free one."""

    @property
    def processes(self) -> int:
        """How many processes work on chunks, and share what outside services allow."""
        return self.workers if self.task_runner == "dask" else 1


class ExportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    formulas: bool = False
    """Leave cells of CSV files as they are that spreadsheets compute: those that begin with = + - @."""


class OmiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    unsigned: Literal["reject", "quarantine", "accept"] = "reject"
    """What becomes of a delivery that proves nothing: refused, kept until a person releases it, or, from this machine
    alone, taken in (to try things)."""
    keep_location: bool = False
    """Keep where somebody was."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    """The address that `serve` listens on."""
    port: Port = 8000
    public_url: str = ""
    """How others reach it: https://book.example. Empty: only this machine does."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names it answers to. The public address's, and this machine's own, are always among them."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose word on who the client is (X-Forwarded-For) counts."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API from a browser."""
    rate_limit: Rate = "300/minute"
    """Requests per address, and per program or key. Logins, tokens, webhooks have limits of their own."""
    rate_limit_storage: str = "memory://"
    """Where requests are counted: in this process, or `redis://...` for several."""
    idle_hours: Hours = 72
    """A browser that was not used for so long has to log in again."""
    session_days: Days = 30
    """And so has every browser after so long."""
    allow_registration: bool = False
    """Whether programs may register themselves (OAuth's dynamic registration). Documents as ids need no leave."""
    allow_notes: bool = False
    """Whether programs may be given leave to add notes (`write:notes`)."""
    uploads_gb: AtLeastOne = 50
    """Gigabytes of uploads that one person may have waiting; what was imported does not count."""
    refresh_grace_seconds: WholeSecondsOrNone = 60
    """For so long a program that repeats an exchange of its refresh token is told the same again. 0: never."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    home: Path
    database_url: str
    files: str
    config_file: Path | None = None
    owner: str = DEFAULT_OWNER
    timezone: str = "local"
    imports: ImportSettings = msgspec.field(name="import", default_factory=ImportSettings)
    watch: WatchSettings = msgspec.field(default_factory=WatchSettings)
    accounts: dict[Name, AccountSettings] = {}
    """By name. Without a word, every assistant whose export came in is one."""
    reminders: ReminderSettings = msgspec.field(default_factory=ReminderSettings)
    mail: MailSettings = msgspec.field(default_factory=MailSettings)
    categorize: CategorizeSettings = msgspec.field(default_factory=CategorizeSettings)
    openai: OpenAISettings = msgspec.field(default_factory=OpenAISettings)
    judges: dict[str, dict[str, Any]] = {}
    """By judge: what a judge of another package wants to know. Ours have no settings of their own."""
    prices: dict[str, PriceSettings] = {}
    """By model: what Commonplace does not know, or knows otherwise."""
    meaning: MeaningSettings = msgspec.field(default_factory=MeaningSettings)
    answers: AnswerSettings = msgspec.field(default_factory=AnswerSettings)
    projects: ProjectSettings = msgspec.field(default_factory=ProjectSettings)
    destinations: dict[str, dict[str, Any]] = {}
    schedule: ScheduleSettings = msgspec.field(default_factory=ScheduleSettings)
    hooks: dict[str, HookSettings] = {}
    """By name: who is told of events."""
    alerts: AlertSettings = msgspec.field(default_factory=AlertSettings)
    maintain: MaintainSettings = msgspec.field(default_factory=MaintainSettings)
    export: ExportSettings = msgspec.field(default_factory=ExportSettings)
    runs: RunSettings = msgspec.field(default_factory=RunSettings)
    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    omi: OmiSettings = msgspec.field(default_factory=OmiSettings)

    @property
    def zone(self) -> tzinfo:
        return zone_named(self.timezone)

    @property
    def is_watching(self) -> bool:
        """Whether there are folders to be watched."""
        dropped = self.watch.folders or any(account.folders for account in self.accounts.values())
        return bool(dropped or self.watch.histories)

    @property
    def inbox(self) -> Path:
        return Path(self.imports.inbox).expanduser() if self.imports.inbox else self.home / "inbox"
