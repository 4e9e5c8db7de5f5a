"""`tidegate info`: what to paste into a bug report."""

import argparse

from tidegate.runtime import show_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def run(args: argparse.Namespace) -> int:
    """Print the configuration."""
    show_config()
    return 0
