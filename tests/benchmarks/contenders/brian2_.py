"""Brian2: a PoissonGroup with a spike monitor, by NumPy or as a compiled program of its own.

Both are timed as Brian2 times its own runs: without generating and compiling code.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path

import brian2
from serve import Work, serve


def _network(p):
    brian2.defaultclock.dt = 1 * brian2.ms
    group = brian2.PoissonGroup(len(p), rates=p * 1000 * brian2.Hz)
    monitor = brian2.SpikeMonitor(group)
    return brian2.Network(group, monitor), monitor


def by_numpy(p, n_bins):
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    network, monitor = _network(p)
    network.store()
    reported = []

    def report(elapsed, completed, start, duration):
        reported.append(float(elapsed))

    def run():
        network.run(
            n_bins * brian2.ms, report=report, report_period=1000 * brian2.second, namespace={}
        )
        return monitor

    return Work(run, lambda m: m.num_spikes, before=network.restore, elapsed=lambda: reported[-1])


def standalone(threads: int):
    def prepare(p, n_bins):
        folder = Path(tempfile.mkdtemp(prefix="brian2-"))
        brian2.set_device("cpp_standalone", build_on_run=False)
        brian2.device.reinit()
        brian2.device.activate(build_on_run=False)
        brian2.prefs.devices.cpp_standalone.openmp_threads = threads
        network, _ = _network(p)
        network.run(n_bins * brian2.ms, namespace={})
        begin = time.perf_counter()
        brian2.device.build(directory=str(folder), compile=True, run=False)
        compiling = time.perf_counter() - begin

        def start():
            return subprocess.Popen(["./main"], cwd=folder, stdout=subprocess.DEVNULL)

        def run():
            if start().wait():
                raise RuntimeError("the compiled program failed")

        def count(_):
            (path,) = folder.glob("results/_dynamic_array_spikemonitor*_t_*")
            return path.stat().st_size // 8

        def elapsed():
            return float((folder / "results/last_run_info.txt").read_text().split()[0])

        def peak():
            process, highest = start(), 0
            while process.poll() is None:
                text = Path(f"/proc/{process.pid}/status").read_text()
                found = re.search(r"VmHWM:\s+(\d+)", text)
                highest = max(highest, int(found[1]) if found else 0)
                time.sleep(0.002)
            return highest / 1024

        return Work(run, count, elapsed=elapsed, peak=peak, compiling=compiling)

    return prepare


FORMS = {
    "numpy": by_numpy,
    "cpp_standalone": standalone(0),
    "cpp_standalone, 2 threads": standalone(2),
}

if __name__ == "__main__":
    serve(FORMS, brian2.__version__, warm=False)
