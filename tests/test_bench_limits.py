"""The least time of a case, by hand, and what it is made from: bandwidths, caches."""

import pytest

from tidegate.bench import machine, probes
from tidegate.bench.case import Case
from tidegate.bench.limits import limit
from tidegate.bench.probes import Silicon

# 1 FLOP per ns and 1 byte per ns, whatever the working set.
FLAT = Silicon({"float32": 1.0, "float64": 0.5}, {1024: 1.0})


@pytest.mark.parametrize(
    ("case", "nanoseconds", "by"),
    [
        # W is (8, 3), R (8, 2): 96 and 64 bytes. One row: reading takes longer than the products.
        (Case("lstm", False, 1, 1, 3, 2), 96 + 64, "read"),
        # ... and R is read at every step; the product with W has 5 rows: 5·48 FLOPs
        (Case("lstm", False, 5, 1, 3, 2), 240 + 5 * 64, "read"),
        # 4 rows: 20·48, 4·32 at each step
        (Case("lstm", False, 5, 4, 3, 2), 20 * 48 + 5 * 4 * 32, "fma"),
        # three products of each kind, all bound by FLOPs
        (Case("lstm", True, 5, 4, 3, 2), 3 * (20 * 48 + 20 * 32), "fma"),
        # one row: dR and all products with W run over 5 rows at once
        (Case("lstm", True, 5, 1, 3, 2), 3 * 240 + 2 * 5 * 64 + 160, "fma"),
        # 1, 10 and 20 of 20 steps, 31 rows in all: 3 rows in one step, 2 in 9, 1 in 10; from 2 rows
        # on, products take as long as reading R: 2·n·16 FLOPs, 64 bytes
        (Case("lstm", False, 20, 3, 3, 2, ragged=True), 31 * 48 + 3 * 32 + 9 * 64 + 10 * 64, "fma"),
        (Case("lstm", True, 20, 3, 3, 2, ragged=True), 3 * 31 * 48 + 2 * 1312 + 31 * 32, "fma"),
        # half the rate of products, twice the bytes
        (Case("lstm", False, 5, 4, 3, 2, dtype="float64"), 2 * (20 * 48 + 20 * 32), "fma"),
        (Case("lstm", False, 5, 1, 3, 2, dtype="float64"), 480 + 5 * 128, "read"),
        # two layers: the second has W (8, 2)
        (Case("lstm", False, 5, 4, 3, 2, layers=2), 20 * (48 + 32) + 2 * 20 * 32, "fma"),
        (Case("lstm", False, 5, 4, 3, 2, bidirectional=True), 2 * (20 * 48 + 20 * 32), "fma"),
    ],
    ids=lambda value: value.label if isinstance(value, Case) else "",
)
def test_limit_by_hand(case, nanoseconds, by):
    bound = limit(case, FLAT, threads=1)
    assert bound.seconds == pytest.approx(1e-9 * nanoseconds, rel=1e-12)
    assert bound.by == by


def test_weights_are_read_from_where_each_thread_can_hold_its_share():
    # R of an LSTM with H = 256 is 1 MiB.
    case = Case("lstm", False, 101, 1, 1, 256)
    silicon = Silicon({"float32": 1e9}, {512 << 10: 200.0, 1 << 20: 100.0, 2 << 20: 10.0})
    megabyte = float(1 << 20)
    # All weights are a little more than 1 MiB: the first step reads below the level of R.
    for threads, rate in ((1, 100.0), (2, 200.0)):
        seconds = limit(case, silicon, threads).seconds
        assert 100 * megabyte / rate < 1e9 * seconds < 102.5 * megabyte / rate * 1.01


def test_bytes_moved():
    assert limit(Case("rnn", False, 5, 1, 3, 2), FLAT, 1).bytes == 4 * 2 * (3 + 5 * 2)
    # W: x W, dW, dx; R: T times forward, T times backward, dR
    assert limit(Case("rnn", True, 5, 1, 3, 2), FLAT, 1).bytes == 4 * 2 * (3 * 3 + 11 * 2)


def test_bandwidth_lies_on_a_falling_curve():
    silicon = Silicon({}, {1024: 100.0, 4096: 60.0, 16384: 10.0, 65536: 20.0})
    assert silicon.bandwidth(1) == silicon.bandwidth(1024) == 100
    assert silicon.bandwidth(2048) == pytest.approx(80)
    assert silicon.bandwidth(4096) == pytest.approx(60)
    assert silicon.bandwidth(16384) == pytest.approx(20)  # 10 was a busy moment
    assert silicon.bandwidth(1 << 30) == 20


def test_best_of_two_measurements():
    first = Silicon({"float32": 1.0, "float64": 4.0}, {1024: 7.0})
    second = Silicon({"float32": 2.0, "float64": 3.0}, {1024: 5.0, 2048: 1.0})
    assert first.best(second) == Silicon({"float32": 2.0, "float64": 4.0}, {1024: 7.0, 2048: 1.0})


def test_probe_measures_every_rate():
    silicon = probes.probe(0.001, 64 * 1024, threads=1)
    assert sorted(silicon.read) == [8192, 16384, 32768, 65536]
    assert set(silicon.fma) == {"float32", "float64"}
    for rate in (*silicon.fma.values(), *silicon.read.values()):
        assert 0.01 < rate < 1e6  # GFLOP/s, GB/s
    assert Silicon.from_json(silicon.to_json()) == silicon


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"bytes_per_thread": 0}], ids=str)
def test_probe_refuses_nothing_to_do(wrong):
    given = {"bytes_per_thread": 1024, "seconds": 0.001, "threads": 1} | wrong
    with pytest.raises(ValueError, match=r"read_bandwidth: .*expected at least 1 of both"):
        probes.core.read_bandwidth(**given)
    with pytest.raises(ValueError, match="fma_peak: threads is 0; expected at least 1"):
        probes.core.fma_peak32(0.001, 0)


def sysfs(tmp_path, cpu, index, level, kind, size, shared):
    folder = tmp_path / f"cpu{cpu}" / "cache" / f"index{index}"
    folder.mkdir(parents=True)
    for name, text in (
        ("level", level),
        ("type", kind),
        ("size", size),
        ("shared_cpu_list", shared),
    ):
        (folder / name).write_text(f"{text}\n")


def test_caches_from_sysfs(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    for cpu in (0, 1, 2):
        sysfs(tmp_path, cpu, 0, 1, "Data", "32K", cpu)
        sysfs(tmp_path, cpu, 1, 1, "Instruction", "64K", cpu)
        sysfs(tmp_path, cpu, 2, 2, "Unified", "1M", cpu)
        sysfs(tmp_path, cpu, 3, 3, "Unified", "32768K", "0-2")
    levels = machine.caches(tmp_path)
    assert [(c.name, c.size, c.instances) for c in levels] == [
        ("L1", 32 << 10, 2),
        ("L2", 1 << 20, 2),
        ("L3", 32 << 20, 1),
    ]
    assert [c.per_thread(2) for c in levels] == [32 << 10, 1 << 20, 16 << 20]
    assert [c.per_thread(3) for c in levels] == [16 << 10, 512 << 10, (32 << 20) // 3]
    assert machine.caches(tmp_path / "nonsense") == []


def test_caches_from_a_curve_where_sysfs_is_silent():
    kilo = 1024
    curve = {8: 440, 16: 440, 32: 430, 64: 236, 128: 235, 256: 235, 512: 220, 1024: 197, 2048: 196}
    curve |= {4096: 190, 8192: 150, 16384: 93, 32768: 33, 65536: 32}
    read = {size * kilo: float(rate) for size, rate in curve.items()}
    levels = machine.caches_from_curve(read, threads=2)
    assert [(c.name, c.per_thread(2) // kilo) for c in levels] == [
        ("L1", 32),
        ("L2", 512),
        ("L3", 4096),
    ]


def test_cpu_model(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n\nmodel name\t: Other\n")
    assert machine.cpu_model(path) == "Some CPU @ 3 GHz"
    assert machine.cpu_model(tmp_path / "nonsense")
