// The one number of threads of this process, and what a call may use of it now.
#pragma once

namespace tidegate {

// As set, or found at first need by tidegate._cpus; never more than OpenMP's own limit where
// threadpoolctl or the program lowered that after the import. Call with the GIL.
int num_threads();

}  // namespace tidegate
