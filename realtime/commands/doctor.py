"""`stylecam doctor`: diagnoses the installation and the machine."""

import sys

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--fix", is_flag=True, help="Offer the commands that mend what is wrong.")
@click.option("--yes", is_flag=True, help="With --fix: run them without asking.")
def doctor(as_json: bool, fix: bool, yes: bool) -> None:
    """Diagnose this machine: what works, what does not, and how to fix it.

    Exits with 1 if `stylecam run` cannot work. With --json, --fix asks nothing, and needs --yes.

    Example: stylecam doctor --fix
    """
    from rich.console import Console

    from realtime.doctor import report
    from realtime.doctor.fix import mend

    if yes and not fix:
        raise click.UsageError("--yes goes with --fix")
    if fix and as_json and not yes:
        raise click.UsageError("--fix --json asks nothing: add --yes to run the commands")
    findings = report.run_checks()
    if fix:
        if not as_json:
            report.print_results(findings, Console())
        done = mend(findings, agree=lambda found: yes or _agreed(found.subject, found.fix))
        for finding, worked in done:
            outcome = "done" if worked else "failed"
            click.echo(f"{finding.subject}: {outcome}: {finding.fix}", err=True)
        if not done and not as_json:
            click.echo("nothing was changed")
            sys.exit(0 if report.works(findings) else 1)
        findings = report.run_checks()
    if as_json:
        click.echo(report.to_json(findings))
    else:
        report.print_results(findings, Console())
    sys.exit(0 if report.works(findings) else 1)


def _agreed(subject: str, command: str) -> bool:
    return click.confirm(f"{subject}: run `{command}`?", default=False, err=True)
