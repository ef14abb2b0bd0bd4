"""`python -m training ARGS`: `stylecam train ARGS` in a process of its own, for `stylecam sweep`.

On an error, its last line on stderr is the reason; it exits with the exit code of the command.
"""

import sys

import click

from models.errors import StylecamError
from training.commands.train import train


def main() -> int:
    try:
        train.main(sys.argv[1:], prog_name="stylecam train", standalone_mode=False)
    except StylecamError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
