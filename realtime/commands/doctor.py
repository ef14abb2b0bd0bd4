"""`stylecam doctor`: diagnoses the installation and the machine."""

import sys

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(as_json: bool) -> None:
    """Diagnose this machine: what works, what does not, and how to fix it.

    Exits with 1 if `stylecam run` cannot work.

    Example: stylecam doctor
    """
    from rich.console import Console

    from realtime.doctor import report

    findings = report.run_checks()
    if as_json:
        click.echo(report.to_json(findings))
    else:
        report.print_results(findings, Console())
    sys.exit(0 if report.works(findings) else 1)
