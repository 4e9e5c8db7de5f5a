"""From the options of `train` to a plan; options that do not fit each other are refused."""

import argparse
from typing import Any

from tidegate.forecast.errors import InputError
from tidegate.forecast.table import Table
from tidegate.tabular.model_file import TableModel
from tidegate.tabular.network import structure_of
from tidegate.tabular.plan import Plan


def plan_of(args: argparse.Namespace, table: Table) -> Plan:
    """Return the plan of a new network.

    Raises
    ------
    InputError
        Options are missing or contradict each other, or a column is not there.
    """
    if not args.target:
        raise InputError("--target: is missing; expected the column to predict.")
    task = args.task or "regression"
    forecast = task == "forecast"
    if args.window is None and (forecast or args.group is None):
        other = "" if forecast else ", or --group for one answer per sequence"
        raise InputError(f"--window: is missing; expected how many steps to read{other}.")
    if args.window is None and args.horizon:
        raise InputError("--horizon: needs --window; whole sequences have one answer each.")
    if forecast and args.horizon == 0:
        raise InputError("--horizon 0: a forecast is about later steps; expected at least 1.")
    if task == "classification" and len(args.target) > 1:
        raise InputError("--target: classification takes one column (train one model for each).")
    known = {*args.target, args.group, args.time}
    features = args.features
    if features is None:
        features = [] if forecast else [name for name in table.header if name not in known]
    for name in (*args.target, *features, args.group, args.time):
        if name is not None:
            table.require(name)
    _require_different(args, features)
    if not (features or forecast):
        raise InputError(f"{table.path}: has no column left to read; expected some --features.")
    horizon = args.horizon if args.horizon is not None else int(forecast)
    plan = Plan(
        task,
        tuple(args.target),
        tuple(features),
        args.group,
        args.time,
        args.window,
        horizon,
        args.missing or "refuse",
        args.time_format,
    )
    for name in plan.written:
        if plan.written.count(name) > 1:
            raise InputError(
                f'--target, --group, --time: the predictions would have two columns "{name}"; '
                "expected other names (rename the column in the table)."
            )
    return plan


def continued_plan(args: argparse.Namespace, earlier: TableModel) -> Plan:
    """Return the plan of the model file that is trained further, unless options contradict it.

    Raises
    ------
    InputError
        An option asks for something else.
    """
    plan = earlier.plan
    given: dict[str, tuple[Any, Any]] = {
        "--task": (args.task, plan.task),
        "--target": (args.target, plan.targets),
        "--features": (args.features, plan.features),
        "--group": (args.group, plan.group),
        "--time": (args.time, plan.time),
        "--time-format": (args.time_format, plan.time_format),
        "--window": (args.window, plan.window),
        "--horizon": (args.horizon, plan.horizon),
        "--missing": (args.missing, plan.missing),
    }
    for name, value in structure_of(earlier.model).items():
        given[f"--{name}"] = (getattr(args, name), value)
    for option, (wanted, learnt) in given.items():
        asked = tuple(wanted) if isinstance(wanted, list) else wanted
        if asked is not None and asked != learnt:
            shown = " ".join(learnt) if isinstance(learnt, tuple) else learnt
            trained = "without it" if learnt is None else f"with {shown}"
            raise InputError(
                f"{option}: {args.start} was trained {trained}; leave the option out, or train "
                "anew without --continue."
            )
    return plan


def _require_different(args: argparse.Namespace, features: list[str]) -> None:
    """Refuse a column that is given two parts to play."""
    parts = {"--target": args.target, "--features": features}
    parts |= {f"--{name}": [getattr(args, name)] for name in ("group", "time")}
    owner: dict[str, str] = {}
    for option, names in parts.items():
        for name in names:
            if name is not None and name in owner:
                raise InputError(f'{option}: "{name}" is given to {owner[name]} too; expected one.')
            if name is not None:
                owner[name] = option
