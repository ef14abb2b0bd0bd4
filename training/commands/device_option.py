"""The option `--device` of the commands that train or paint with torch."""

import click

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="What computes; auto: the GPU where torch finds one.",
)
