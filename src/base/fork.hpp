// Lets a child made by fork() use OpenMP: without this, libgomp waits for threads that exist only in
// the parent.
#pragma once

namespace tidegate {

// Installs the handler once; later calls do nothing. A serial build needs none.
void release_threads_at_fork();

}  // namespace tidegate
