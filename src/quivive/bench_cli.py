"""Commands of the simulator: `quivive simulate`, `quivive bench detection`.

Added to the command line by `cli`. Thin like it. They need no core and touch no data folder: what they read and
write is a labelled feed of its own. Must never write into a folder that holds something.
"""

import json
from pathlib import Path

import rich_click as click

from quivive.language import said
from quivive.model.errors import ConfigurationError


def add_bench_commands(cli: click.RichGroup) -> None:
    """Add the commands of the simulator to the command line."""
    _simulate(cli)

    @cli.group()
    def bench() -> None:
        """Measure what the product finds and what it costs."""

    _detection(bench)


def _simulate(cli: click.RichGroup) -> None:
    @cli.command()
    @click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
    @click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same gives the same bytes.")
    @click.option("--days", type=click.IntRange(1, 366), default=28, show_default=True)
    @click.option("--agents", type=click.IntRange(1, 500), default=30, show_default=True)
    @click.option("--controllers", type=click.IntRange(1, 3), default=3, show_default=True)
    @click.option(
        "--profile",
        type=click.Choice(["complete", "measured", "held_out"]),
        default="measured",
        show_default=True,
        help="How well telephony knows its callers.",
    )
    @click.option(
        "--imperfections", type=click.Choice(["none", "light", "heavy"]), default="none", show_default=True,
        help="Rows lost, late, doubled; clocks askew; outages.",
    )  # fmt: skip
    @click.option("--misuse", multiple=True, help="SCENARIO:MODE:RECORDS_A_DAY over the last ten days; repeatable.")
    def simulate(
        folder: Path,
        seed: int,
        days: int,
        agents: int,
        controllers: int,
        profile: str,
        imperfections: str,
        misuse: tuple[str, ...],
    ) -> None:
        """Write a labelled feed of an invented centre: rows as systems tell them, and the truth beside them."""
        from quivive.simulation.benchmark.feed import write_feed
        from quivive.simulation.benchmark.generate import Options, generate

        if folder.exists() and any(folder.iterdir()):
            raise ConfigurationError(file=str(folder), key="FOLDER", expected="an empty folder", found="files")
        options = Options(
            seed=seed, days=days, agents=agents, controllers=controllers, profile=profile, imperfections=imperfections
        )
        plans = [_plan(text, days) for text in misuse]
        try:
            feed = generate(options, plans)
        except ValueError as error:
            expected = "misuse that an agent can act in these days"
            raise ConfigurationError(
                file="(command line)", key="--misuse", expected=expected, found=str(error)
            ) from error
        write_feed(feed, folder)
        click.echo(said(f"{folder} written: {len(feed.rows['accesses'])} accesses, {len(feed.campaigns)} campaigns"))


def _plan(text: str, days: int):  # type: ignore[no-untyped-def] # noqa: ANN202 - its type is a heavy import
    from quivive.simulation.benchmark.evidence import CAMPAIGN_DAYS
    from quivive.simulation.benchmark.misuse import Plan

    scenario, _, rest = text.partition(":")
    mode, _, per_day = rest.partition(":")
    if not (scenario.isascii() and scenario.isdigit() and per_day.isascii() and per_day.isdigit()):
        expected = "SCENARIO:MODE:RECORDS_A_DAY"
        raise ConfigurationError(file="(command line)", key="--misuse", expected=expected, found=text)
    length = min(CAMPAIGN_DAYS, days)
    return Plan(scenario=int(scenario), per_day=int(per_day), mode=mode, from_day=days - length, days=length)


def _detection(bench: click.RichGroup) -> None:
    @bench.command()
    @click.option(
        "--feed", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A labelled feed of your own."
    )
    @click.option("--seeds", type=click.IntRange(1), default=2, show_default=True, help="Centres, one after another.")
    @click.option("--first-seed", type=click.IntRange(0), default=1, show_default=True)
    @click.option("--agents", type=click.IntRange(1, 500), default=30, show_default=True)
    @click.option("--days", type=click.IntRange(16, 366), default=28, show_default=True)
    @click.option("--controllers", type=click.IntRange(1, 3), default=1, show_default=True)
    @click.option(
        "--profile",
        type=click.Choice(["complete", "measured", "held_out"]),
        default="measured",
        show_default=True,
        help="How well telephony knows its callers.",
    )
    @click.option(
        "--evidence",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file that keeps what was judged, a line a centre: an interrupted run goes on there.",
    )
    @click.option("--late", is_flag=True, help="Instead: how many hits of the morning late rows change, by centre.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    def detection(
        feed: Path | None,
        seeds: int,
        first_seed: int,
        agents: int,
        days: int,
        controllers: int,
        profile: str,
        evidence: Path | None,
        late: bool,
        as_json: bool,
    ) -> None:
        """Measure what detection finds of known misuse, beside chance and other detectors."""
        from quivive.simulation.benchmark.bench import Scale, bench, bench_feed
        from quivive.simulation.benchmark.late import late_lines
        from quivive.simulation.benchmark.peers import NO_PYOD
        from quivive.simulation.benchmark.report import lines, summary

        def tell(text: str) -> None:
            click.echo(text, err=True)

        scale = Scale(
            seeds=seeds, first_seed=first_seed, agents=agents, days=days, controllers=controllers, profile=profile
        )
        if late:
            for line in late_lines(scale):
                click.echo(line)
            return
        results = bench_feed(feed) if feed else bench(scale, file=evidence, tell=tell)
        told = summary(results)
        if not results.peers:
            tell(NO_PYOD)
        if as_json:
            click.echo(json.dumps(told, sort_keys=True))
            return
        for line in lines(told):
            click.echo(line)
