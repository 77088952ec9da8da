"""demo: the whole loop on real digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from stochnet.cli.console import progress, to_stdout
from stochnet.cli.options import Config, Quiet, output_option
from stochnet.cli.tables import regime_table


def demo(
    output: Annotated[Path, output_option("DIR")] = Path("demo-report"),
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Run the whole loop on real digits and write a report."""
    # The whole library, and help is shown before it is loaded.
    from stochnet.cli.demo.run_demo import run_demo

    with progress(quiet) as report:
        result = run_demo(output, progress=report)
    console = to_stdout()
    for one in result.regimes:
        if one.train_accuracy is not None and one.test_accuracy is not None:
            console.print(
                f"{one.name}: {one.epochs} epochs, {one.train_accuracy:.1%} of its training labels "
                f"and {one.test_accuracy:.1%} of unseen digits right"
            )
    console.print(regime_table(result.rows))
    console.print(result.verdict)
    console.print(f"Report: {result.report}", soft_wrap=True)
