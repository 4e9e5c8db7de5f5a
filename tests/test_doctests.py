"""Every example in a docstring runs and prints what it says."""

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import tidegate

PROGRAMS = ("tidegate.__main__",)
MODULES = ["tidegate"] + [
    module.name
    for module in pkgutil.walk_packages(tidegate.__path__, "tidegate.")
    if module.name not in PROGRAMS and not module.name.startswith("tidegate._core_")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name, threads_restored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may save a file
    failed, _ = doctest.testmod(
        import_module(name),
        extraglobs={"np": np, "tg": tidegate},
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert failed == 0
