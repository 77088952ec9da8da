"""The compared statistics as they are declared, found and chosen."""

import itertools
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from stochnet.validation.compared import STATISTICS, discover

DECLARED = """
from stochnet.validation.kinds.node_statistic import NodeStatistic

STATISTICS = (
    NodeStatistic(name="{name}", label="a", plural="As", order={order}, sums="spikes", values=abs),
)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes modules of a package and lets `discover` search it."""
    number = itertools.count()

    def make(**modules):
        name = f"statistics_{tmp_path.name.replace('-', '_')}_{next(number)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return discover([str(folder)], name)

    return make


def test_statistics_are_found_in_the_order_of_a_report(package):
    first, second = (DECLARED.format(name=name, order=k) for name, k in (("a", 2), ("b", 1)))
    assert list(package(one=first, other=second)) == ["b", "a"]


def test_modules_that_declare_none_or_a_name_again_fail_loudly(package):
    for text in ("X = 1\n", "STATISTICS = 'firing_rate'\n", "STATISTICS = ('firing_rate',)\n"):
        with pytest.raises(sn.StochnetError, match=r"wrong must end with STATISTICS"):
            package(wrong=text)
    one = DECLARED.format(name="a", order=1)
    with pytest.raises(sn.StochnetError, match=r"second: the name 'a' .* is taken"):
        package(first=one, second=one)


def test_what_is_declared_is_whole():
    """A statistic that some rasters lack says what it needs, and causes have names."""
    orders = [one.order for one in STATISTICS.values()]
    assert orders == sorted(set(orders))
    raster = sn.SpikeRaster.from_dense(np.ones((1, 1, 1), bool))
    with pytest.raises(sn.StochnetError, match=r"they have (.*)") as refused:
        sn.validate(raster, raster, statistics=("classification",))
    have = str(refused.value).partition("they have ")[2].split(", ")
    for name, one in STATISTICS.items():
        assert name == one.name
        assert one.subject[0].isupper()
        assert bool(one.needs) == (name not in have)
        assert set(one.follows_from) <= set(STATISTICS)


def test_workers_compute_any_statistic_alone(raster):
    """Also one that needs the conditions and is no rate in each of them."""
    names = [("selectivity",), ("rate_by_condition", "gap_law"), ("window_count_law", "cv2")]
    with ProcessPoolExecutor(1) as executor:
        for some in names:
            found = sn.validate(raster, raster, statistics=some, executor=executor)
            assert found.to_dict() == sn.validate(raster, raster, statistics=some).to_dict()


def test_chosen_statistics_are_those_of_the_whole_report(raster):
    other = raster.trials(np.arange(23, -1, -1))
    everything = sn.validate(raster, other)
    assert {one.statistic for one in everything.statistics} == set(STATISTICS)
    for names in (("fano_factor",), ("cv_isi", "dead"), ("population_count",), "firing_rate"):
        some = sn.validate(raster, other, statistics=names)
        wanted = (names,) if isinstance(names, str) else names
        expected = [one for one in everything.statistics if one.statistic in wanted]
        assert [one.label for one in some.statistics] == [one.label for one in expected]
        for one, same in zip(some.statistics, expected, strict=True):
            assert (one.observed, one.simulated) == (same.observed, same.simulated)
            for found, whole in zip(one.distances, same.distances, strict=True):
                assert (found.name, found.value, found.floor) == (
                    whole.name, whole.value, whole.floor,
                )  # fmt: skip
        json.dumps(some.to_dict(), allow_nan=False)


def test_a_page_of_chosen_statistics_has_no_figure_of_others(raster, tmp_path):
    sn.validate(raster, raster, statistics=["dead"]).to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Firing rates" in text
    for title in ("Population count", "Fano factor against rate", "Window counts"):
        assert f"<h2>{title}</h2>" not in text


def test_names_that_do_not_exist_or_do_not_apply_are_refused(raster):
    with pytest.raises(sn.StochnetError, match=r"no statistic 'gaps'; there are firing_rate, .*"):
        sn.validate(raster, raster, statistics=("firing_rate", "gaps"))
    with pytest.raises(sn.StochnetError, match="no statistic is named"):
        sn.validate(raster, raster, statistics=())
    plain = replace(raster, conditions=None)
    with pytest.raises(sn.StochnetError, match="cannot be compared by rate_by_condition"):
        sn.validate(plain, plain, statistics=("rate_by_condition",))
