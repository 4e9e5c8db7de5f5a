"""Python in the documentation runs: the blocks of a page, one after another, as a reader would."""

import re

import pytest

from conftest import ROOT

PAGES = sorted(
    path for path in (ROOT / "docs").glob("*.md") if "```python\n" in path.read_text("utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a block may save a file
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = {"__name__": page.stem}
    for number, block in enumerate(blocks, 1):
        try:
            exec(compile(block, f"{page.name}, block {number}", "exec"), names)
        except ModuleNotFoundError as error:
            if (error.name or "tidegate").startswith("tidegate"):
                raise
            pytest.skip(f"block {number} needs {error.name}")
