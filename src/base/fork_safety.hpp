// Makes fork() after a parallel region safe for the child.
#pragma once

namespace tidegate {

// Call before a parallel region; the first call registers the handler.
void ensure_fork_safety();

}  // namespace tidegate
