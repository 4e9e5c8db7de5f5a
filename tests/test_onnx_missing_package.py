"""tidegate.onnx without the package onnx: importing works, using names the pip line."""

import pytest

CALLS = {
    "load": 'tidegate.onnx.load("m.onnx")',
    "export": 'tidegate.onnx.export(None, "m.onnx")',
    "Backend": "tidegate.onnx.Backend",
}


@pytest.mark.parametrize("name", CALLS)
def test_using_it_says_how_to_install_onnx(name, fresh_python):
    done = fresh_python(
        "import sys; sys.modules['onnx'] = None\n"
        "import tidegate.onnx\n"
        f"try: {CALLS[name]}\n"
        "except ImportError as error: print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert f"{name}: needs the package onnx" in done.stdout
    assert 'pip install "tidegate[onnx]"' in done.stdout


def test_importing_imports_no_onnx(fresh_python):
    done = fresh_python("import sys, tidegate.onnx; print('onnx' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr
