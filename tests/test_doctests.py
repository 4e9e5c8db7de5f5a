"""Every example in a docstring runs and prints what it says."""

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import tidegate

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras: any one will do
PROGRAMS = ("tidegate.__main__",)
MODULES = ["tidegate"] + [
    module.name
    for module in pkgutil.walk_packages(tidegate.__path__, "tidegate.")
    if module.name not in PROGRAMS and not module.name.startswith("tidegate._core_")
]


def imported(name):
    """Import a module, or skip if it is an adapter whose extra is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        if "pip install" not in str(error) and error.name not in BACKENDS:
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name, threads_restored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may save a file
    failed, _ = doctest.testmod(
        imported(name),
        extraglobs={"np": np, "tg": tidegate},
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert failed == 0
