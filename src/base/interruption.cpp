#include "base/interruption.hpp"

#include "base/denormals.hpp"

namespace tidegate {
namespace {

thread_local Interruption* of_this_thread = nullptr;

}  // namespace

Interruption::Interruption(Wanted wanted)
    : wanted_(wanted), around_(of_this_thread), next_(Clock::now() + kInterval) {
  of_this_thread = this;
}

Interruption::~Interruption() {
  if (of_this_thread == this) of_this_thread = around_;
}

Interruption& Interruption::never() {
  static Interruption never{Never{}};
  return never;
}

Interruption& Interruption::current() {
  const bool asks = of_this_thread != nullptr && of_this_thread->wanted_ != nullptr;
  return asks ? *of_this_thread : never();
}

bool Interruption::is_current() const noexcept { return of_this_thread == this; }

void Interruption::look() noexcept {
  since_look_ = 0;
  if (raised() || Clock::now() < next_) return;
  const KeepDenormals as_outside;  // a signal handler is the user's code
  if (wanted_()) raised_.store(true, std::memory_order_relaxed);
  next_ = Clock::now() + kInterval;
}

}  // namespace tidegate
