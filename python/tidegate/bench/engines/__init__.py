"""The engines that can be measured; each is imported only where it runs."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from tidegate.bench.engines.engine import Engine

OURS = "tidegate"
DROP_IN = "tidegate.torch"  # ours as well, but listed beside torch.nn
_TORCH = "its CPU build, as pytorch.org tells"
_EXTRA = 'pip install "tidegate[bench]"'


@dataclass(frozen=True)
class Peer:
    """What a peer needs.

    Attributes
    ----------
    packages : tuple of str
        To import; the first is the peer's own.
    installation : str
        The command that brings them, or what to do.
    """

    packages: tuple[str, ...]
    installation: str = _EXTRA


PEERS = {
    "torch": Peer(("torch",), _TORCH),
    DROP_IN: Peer(("torch",), _TORCH),
    "onnxruntime": Peer(("onnxruntime", "onnx")),
    "openvino": Peer(("openvino", "onnx")),
    "jax": Peer(("jax", "jaxlib")),
    "tensorflow": Peer(("tensorflow", "keras")),
}


def missing(peer: str) -> list[str]:
    """Return the packages of a peer that are not installed."""
    return [package for package in PEERS[peer].packages if find_spec(package) is None]


def installed() -> list[str]:
    """Return the peers that can be measured here."""
    return [peer for peer in PEERS if not missing(peer)]


def versions(engine: str) -> dict[str, str]:
    """Return the versions of an engine's packages, its own under its name."""
    packages = PEERS[engine].packages if engine in PEERS else (engine, "numpy")
    if engine == DROP_IN:
        packages = (engine, *packages)
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    """Return the version of an installed distribution; ours may run from its tree."""
    if package in (OURS, DROP_IN):
        from tidegate._version import __version__

        return __version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def engine_class(name: str) -> type[Engine]:
    """Import the adapter of an engine, not the engine."""
    module = import_module(f"tidegate.bench.engines.{name.replace('.', '_')}")
    adapter: type[Engine] = module.Engine
    return adapter
