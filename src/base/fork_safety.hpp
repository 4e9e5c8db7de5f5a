// Makes fork() after a parallel region safe for the child.
#pragma once

namespace tidegate {

// Call before a parallel region or a counted call; the first call registers the handlers.
void ensure_fork_safety();

}  // namespace tidegate
