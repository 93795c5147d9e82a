"""Looking after the archive: forget, verify, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commonplace.archive.faults import Damaged
from commonplace.cli.options import DryRun, Force, Json, Yes, moment
from commonplace.cli.output import Output, aside, confirm, errors_for_people, print_json, show_counts, tell
from commonplace.config import load
from commonplace.moments import to_iso
from commonplace.session import open_session

if TYPE_CHECKING:
    from commonplace.archive.care.verify import VerifyReport


def register(app: typer.Typer) -> None:
    app.command("forget")(forget)
    app.command("verify")(verify)
    app.command("backup")(backup)
    app.command("restore")(restore)


def forget(
    ids: Annotated[list[str] | None, typer.Argument(help="Conversations, by id.")] = None,
    project: Annotated[str | None, typer.Option(help="Everything of a project, by name or id.")] = None,
    before: Annotated[str | None, typer.Option(help="Everything last updated before this date.")] = None,
    purge_exports: Annotated[bool, typer.Option("--purge-exports", help="Delete the kept export files too.")] = False,
    renew_backups: Annotated[
        bool, typer.Option("--renew-backups", help="Put a new backup in the place of those in the home.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove conversations for good; later imports do not bring them back."""
    from commonplace.archive.care.forget import forget as forget_in
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.stages.forgetting import forget as forget_everywhere

    with errors_for_people(), open_session() as (settings, _, archive):
        wanted = [find_conversation(archive, identity) for identity in ids or []]
        bound = moment(before, settings)
        report = forget_in(
            archive, ids=wanted, project=project, before=bound, purge_exports=purge_exports, dry_run=True
        )
        if not dry_run:
            count = len(report.conversation_ids)
            if not yes and not Output.as_json:
                confirm(f"Forget {count} conversations for good?", abort=True)
            report = forget_everywhere(
                archive,
                settings.home,
                ids=wanted,
                project=project,
                before=bound,
                purge_exports=purge_exports,
                renew_backups=renew_backups,
            )
        if Output.as_json:
            print_json(report)
            return
        counts = {"conversations": len(report.conversation_ids), "messages": report.messages, "files": report.files}
        show_counts("Would forget" if dry_run else "Forgotten", counts)
        for instance, pages in report.still_at.items():
            tell(f"{pages} of them are still at {instance}: remove them there if you wish.")
        if report.exports_kept:
            tell(f"{report.exports_kept} kept export files may still hold the words; --purge-exports deletes them.")
        if report.copies:
            tell(f"Older copies may still hold the words: {', '.join(report.copies)}.")
            tell("--renew-backups puts a new backup in their place; copies elsewhere are yours to delete.")
        for path in report.vectors_left:
            tell(f"{path} cannot be written, and still holds the vectors of what was forgotten, though not its words.")
            tell("It is made anew by the next `commonplace embed` that may write there; or delete it yourself.")
        if not report.is_rewritten:
            tell("The database file could not be written anew (no room, or in use): forget again when it can be.")


def verify(
    rebuild_index: Annotated[
        bool, typer.Option("--rebuild-index", help="Rebuild the search index before checking.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the database, its counts and hashes, the files and the text index."""

    with errors_for_people():
        report = _verified(rebuild_index)
        if Output.as_json:
            print_json({"ok": not report.findings, "findings": report.findings})
        else:
            for finding in report.findings:
                aside.print(str(finding))
            tell("All well." if not report.findings else f"{len(report.findings)} findings.")
        if report.findings:
            raise typer.Exit(1)


def _verified(rebuild_index: bool) -> VerifyReport:
    from commonplace.archive.care import verify as care
    from commonplace.archive.search import text_index

    try:
        with open_session() as (_, _, archive):
            if rebuild_index:
                text_index.renew(archive)
            return care.verify(archive)
    except Damaged:  # so much that it cannot even be opened
        return care.VerifyReport(findings=[care.damaged()])


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    files: Annotated[bool, typer.Option("--files", help="With the exports and attachments.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read the backup that is there, and write none.")] = False,
    json: Json = False,
) -> None:
    """Write the whole archive into one file that restores into SQLite or PostgreSQL."""
    from commonplace.archive.care.backup import backup as back_up
    from commonplace.archive.care.restore import check_backup

    with errors_for_people():
        if check:
            manifest = check_backup(path)
        else:
            with open_session() as (_, _, archive):
                manifest = back_up(archive, path, include_files=files)
        told = {
            "path": str(path),
            "made": to_iso(manifest.created_at),
            "rows": sum(manifest.rows.values()),
            "files": len(manifest.files),
        }
        if Output.as_json:
            print_json(told)
        else:
            show_counts("A sound backup" if check else "Backed up", told)


def restore(
    path: Annotated[Path, typer.Argument(exists=True, help="A backup.")], force: Force = False, json: Json = False
) -> None:
    """Put a backup in the place of this archive; with --force also over one that is not empty, or damaged."""
    from commonplace.archive.care.restore import restore_at

    with errors_for_people():
        settings, _ = load()
        report = restore_at(settings.database_url, path, files=settings.files, owner=settings.owner, force=force)
        if Output.as_json:
            print_json(report)
            return
        show_counts("Restored", {"rows": sum(report.rows.values()), "files": report.files})
        if report.set_aside:
            tell(f"The damaged file is now {report.set_aside}. Start again what else is running on this archive.")
