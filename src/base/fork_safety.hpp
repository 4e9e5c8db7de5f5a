// Makes fork() after a parallel region safe for the child.
#pragma once

#include <mutex>

namespace tidegate {

// A lock for what belongs to `owner`, shared with some other owners. A fork waits until nobody
// holds it, so that the child finds it open and what it guards whole. Hold it briefly, take no
// other.
std::mutex& fork_safe_mutex(const void* owner);

// Call before a parallel region or a counted call; the first call registers the handlers.
void ensure_fork_safety();

}  // namespace tidegate
