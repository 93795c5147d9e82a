"""Looking after the archive: forget, verify, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commonplace.cli.options import DryRun, Force, Json, Yes, moment
from commonplace.cli.output import Output, aside, errors_for_people, print_json, show_counts, tell
from commonplace.session import open_session


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
                typer.confirm(f"Forget {count} conversations for good?", abort=True, err=True)
            report = forget_everywhere(
                archive, settings.home, ids=wanted, project=project, before=bound, purge_exports=purge_exports
            )
        if Output.as_json:
            print_json(report)
            return
        counts = {"conversations": len(report.conversation_ids), "messages": report.messages, "files": report.files}
        show_counts("Would forget" if dry_run else "Forgotten", counts)
        for instance, pages in report.still_at.items():
            tell(f"{pages} of them are still at {instance}: remove them there if you wish.")
        if report.exports_kept and not purge_exports:
            tell(f"{report.exports_kept} kept export files may still hold the words; --purge-exports deletes them.")


def verify(
    rebuild_index: Annotated[
        bool, typer.Option("--rebuild-index", help="Rebuild the search index before checking.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the database, its counts and hashes, the files and the text index."""
    from commonplace.archive.care.verify import verify as verify_archive
    from commonplace.archive.search import text_index

    with errors_for_people(), open_session() as (_, _, archive):
        if rebuild_index:
            text_index.renew(archive)
        report = verify_archive(archive)
        if Output.as_json:
            print_json({"ok": not report.findings, "findings": report.findings})
        else:
            for finding in report.findings:
                aside.print(str(finding), markup=False)
            tell("All well." if not report.findings else f"{len(report.findings)} findings.")
        if report.findings:
            raise typer.Exit(1)


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    files: Annotated[bool, typer.Option("--files", help="With the exports and attachments.")] = False,
    json: Json = False,
) -> None:
    """Write the whole archive into one file that restores into SQLite or PostgreSQL."""
    from commonplace.archive.care.backup import backup as back_up

    with errors_for_people(), open_session() as (_, _, archive):
        manifest = back_up(archive, path, include_files=files)
        told = {"path": str(path), "rows": sum(manifest.rows.values()), "files": len(manifest.files)}
        if Output.as_json:
            print_json(told)
        else:
            show_counts("Backed up", told)


def restore(
    path: Annotated[Path, typer.Argument(exists=True, help="A backup.")], force: Force = False, json: Json = False
) -> None:
    """Put a backup in the place of this archive; with --force also over one that is not empty."""
    from commonplace.archive.care.restore import restore as restore_from

    with errors_for_people(), open_session() as (_, _, archive):
        report = restore_from(archive, path, force=force)
        if Output.as_json:
            print_json(report)
        else:
            show_counts("Restored", {"rows": sum(report.rows.values()), "files": report.files})
