"""The command line's frame: --version, info, help, wrong usage."""

import subprocess
import sys

import pytest

import tidegate
from tidegate import cli
from tidegate._extras import require


def test_info_prints_the_configuration(capsys):
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("isa", "num threads", "compiler", "eigen", "openmp", "numpy", "python"):
        assert f"\n{word} " in f"\n{out}"


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"tidegate {tidegate.__version__}"


def test_help_lists_every_command_without_importing_it():
    code = (
        "from tidegate import cli; import sys\n"
        "try: cli.main(['--help'])\n"
        "finally: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("\n\n")
    for name in cli.COMMANDS:
        assert name in text
    assert not {"tidegate.demo", "tidegate.forecast", "numpy"} & set(modules.split())


@pytest.mark.parametrize("arguments", [["nonsense"], ["info", "--nonsense"]])
def test_wrong_usage_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert "usage: tidegate" in capsys.readouterr().err


def test_python_m_tidegate_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"tidegate {tidegate.__version__}"


def test_a_missing_extra_is_one_readable_line(monkeypatch, capsys):
    def needs_extra(args):
        require("nonsense_package", extra="demo", purpose="tidegate info")

    monkeypatch.setattr("tidegate._info_command.run", needs_extra)
    assert cli.main(["info"]) == 1
    err = capsys.readouterr().err
    assert "needs the package nonsense_package" in err
    assert 'pip install "tidegate[demo]"' in err
    assert len(err.splitlines()) == 1


def test_require_does_not_hide_an_error_inside_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("import nonsense_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nonsense_dependency"):
        require("broken_extra", extra="io", purpose="model.save")


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    command = f"{sys.executable} -m tidegate info | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_of_a_command_has_examples(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    assert f"tidegate {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_without_a_command_the_help_is_printed(capsys):
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: tidegate") and all(name in err for name in cli.COMMANDS)
