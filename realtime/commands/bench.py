"""`stylecam bench`: measures how fast the styles are on this machine."""

from pathlib import Path

import click

from realtime.config.schema import ProcessingConfig
from realtime.inference.backends.registry import BACKENDS, DEVICES

DEFAULTS = ProcessingConfig()


@click.command()
@click.option(
    "--styles", metavar="NAMES", help="Comma-separated styles or .onnx files.  [all shipped]"
)
@click.option(
    "--sizes", metavar="WxH,…", help="Comma-separated frame sizes.  [640x480,1280x720,1920x1080]"
)
@click.option(
    "--rounds", type=click.IntRange(1), help="Rounds per size; each style runs once a round.  [40]"
)
@click.option(
    "--seconds", type=click.FloatRange(1), help="Total time limit for the generators.  [90]"
)
@click.option(
    "--quick", is_flag=True, help="640x480 and a few rounds only: a rough figure in 20 s."
)
@click.option(
    "--backend", default=DEFAULTS.backend, show_default=True, help=f"One of: {', '.join(BACKENDS)}."
)
@click.option(
    "--device", default=DEFAULTS.device, show_default=True, help=f"One of: {', '.join(DEVICES)}."
)
@click.option("--threads", type=click.IntRange(1), help="CPU threads.  [one per physical core]")
@click.option("--half/--full", default=None, help="Half or full precision.  [half on a GPU]")
@click.option(
    "--end-to-end/--no-end-to-end",
    default=True,
    help="Also measure the whole pipeline, with the default style or all --styles.  [yes]",
)
@click.option(
    "--sinks",
    default="null,file",
    show_default=True,
    metavar="NAMES",
    help="Comma-separated sinks for --end-to-end: null, file, window, web.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, 1, min_open=True),
    help="Also paint at this fraction of width and height.  [as a live `run` does]",
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write the results as JSON."
)
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Write a plot as PNG.")
@click.option("--profile", metavar="STYLE", help="Only: time per operator of one style.")
@click.option("--tune", is_flag=True, help="Only: compare thread counts and spinning.")
@click.option(
    "--soak",
    type=click.IntRange(200),
    metavar="FRAMES",
    help="Only: memory use over this many frames at 1280x720.",
)
@click.option(
    "--switch", is_flag=True, help="Only: frames dropped and delayed by changes of style."
)
def bench(
    styles: str | None,
    sizes: str | None,
    rounds: int | None,
    seconds: float | None,
    quick: bool,
    backend: str,
    device: str,
    threads: int | None,
    half: bool | None,
    end_to_end: bool,
    sinks: str,
    scale: float | None,
    json_path: Path | None,
    plot_path: Path | None,
    profile: str | None,
    tune: bool,
    soak: int | None,
    switch: bool,
) -> None:
    """Measure the speed of the styles, and of the classic generators for comparison.

    The baselines are the generator of Johnson et al. 2016 at alpha 1, 0.5 and 0.25, with random
    weights. All take turns within one run, so compare ratios, not milliseconds between runs.

    \b
    stylecam bench --quick
    stylecam bench --json bench.json --plot bench.png
    stylecam bench --profile starry-night --sizes 1280x720
    """
    from realtime.bench import runner
    from realtime.bench.baselines import RuntimeOptions
    from realtime.bench.end_to_end.sink_setup import parse_sinks

    standard = runner.QUICK if quick else runner.STANDARD
    usual = runner.QUICK_SIZES if quick else runner.STANDARD_SIZES
    cards = runner.pick_styles(styles)
    request = runner.BenchRequest(
        styles=cards,
        sizes=runner.parse_sizes(sizes or (runner.SOAK_SIZES if soak else usual)),
        runtime=RuntimeOptions(backend, device, threads, half),
        effort=runner.Duration(
            rounds or standard.rounds, seconds or standard.seconds, standard.whole
        ),
        whole=(cards if styles else cards[:1]) if end_to_end else [],
        sinks=parse_sinks(sinks),
        scale=scale,
        json_path=json_path,
        plot_path=plot_path,
    )
    if profile:
        runner.show_profile(profile, request)
    elif tune:
        runner.show_tuning(request)
    elif switch:
        runner.show_switch(request)
    elif soak:
        runner.show_soak(request, soak)
    else:
        runner.show_report(request)
