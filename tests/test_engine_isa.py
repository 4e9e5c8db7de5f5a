"""The engine at each ISA level of this machine, each in a process of its own."""

import json

import numpy as np
import pytest

from cases import PLAIN_CELLS
from tidegate import _loader
from tolerances import FORWARD, GRADIENT

# Every cell in both dtypes and at 1 and 2 threads, on shapes with odd sizes. Written out here and
# not imported by pytest in the child: a level that dies of SIGILL must not take the run with it.
CODE = """
import json, sys
sys.path.insert(0, {tests!r})
import numpy as np
import tidegate
from cases import ALL_CELLS, DTYPES, make_problem
from engine_runs import all_arrays, assert_engine_matches_reference, assert_same_bits, run
from tidegate import functional

assert tidegate.get_config()["isa"] == {isa!r}
count = 0
for case in ALL_CELLS:
    for dtype in DTYPES:
        for shape in ((1, 1, 1, 1), (3, 5, 2, 7), (4, 13, 17, 33), (2, 2, 40, 70)):
            assert_engine_matches_reference(make_problem(case, shape, dtype))
            count += 1
        problem = make_problem(case, (5, 30, 20, 90), dtype)
        tidegate.set_num_threads(1)
        alone = all_arrays(*run(functional, problem))
        tidegate.set_num_threads(2)
        assert_same_bits(all_arrays(*run(functional, problem)), alone)
print(json.dumps({{"checked": count}}))
"""


def test_every_cell_matches_the_reference(run_at_isa, request):
    code = CODE.format(tests=str(request.path.parent), isa=run_at_isa.isa)
    assert json.loads(run_at_isa(code))["checked"] > 100


SAVE = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from cases import PLAIN_CELLS, make_problem
from engine_runs import all_arrays, run
from tidegate import functional

problem = make_problem(PLAIN_CELLS[{k}], (6, 9, 5, 35), np.{dtype})
np.savez({path!r}, **all_arrays(*run(functional, problem)))
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [0, 2, 3, 5], ids=[str(PLAIN_CELLS[k]) for k in (0, 2, 3, 5)])
def test_levels_agree_within_tolerance(fresh_python, tmp_path, request, k, dtype):
    results = {}
    for isa in _loader.available:
        path = str(tmp_path / f"{isa}.npz")
        code = SAVE.format(tests=str(request.path.parent), k=k, dtype=dtype, path=path)
        done = fresh_python(code, env={"TIDEGATE_ISA": isa})
        assert done.returncode == 0, done.stderr
        with np.load(path) as arrays:
            results[isa] = dict(arrays)
    first, *others = results.values()
    for other in others:
        for name, array in first.items():
            size = np.max(np.abs(array))
            tolerance = 2 * (GRADIENT[array.dtype] * size + FORWARD[array.dtype]["atol"])
            np.testing.assert_allclose(other[name], array, rtol=0, atol=tolerance, err_msg=name)
