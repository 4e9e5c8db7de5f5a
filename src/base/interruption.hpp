// Lets the user end a long call: the thread that made it asks now and then whether it shall end,
// and all threads of its team then skip what is left. Results of such a call are worthless.
#pragma once

#include <atomic>
#include <chrono>

#include "base/aligned_buffer.hpp"

namespace tidegate {

class Interruption {
 public:
  using Wanted = bool (*)();
  static constexpr std::chrono::milliseconds kInterval{50};

  // The calling thread's calls can be ended from now on: they ask `wanted` at most every kInterval.
  // Null: they cannot, whatever is around.
  explicit Interruption(Wanted wanted);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // That of the calling thread, which must outlive what keeps it; or never().
  static Interruption& current();
  static Interruption& never();

  bool raised() const noexcept { return raised_.load(std::memory_order_relaxed); }

  // Call where a team stands at most some milliseconds of work apart, which is told in
  // multiply-adds. Only the thread that began the call asks.
  void poll(Index multiply_adds) noexcept {
    if (wanted_ != nullptr && is_current()) count(multiply_adds);
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Less work than this takes less than a millisecond: not even the clock is read.
  static constexpr Index kBetweenLooks = Index(1) << 22;

  struct Never {};
  explicit Interruption(Never) : wanted_(nullptr), around_(nullptr) {}

  bool is_current() const noexcept;
  void count(Index multiply_adds) noexcept {
    since_look_ += multiply_adds;
    if (since_look_ >= kBetweenLooks) look();
  }
  void look() noexcept;

  const Wanted wanted_;
  Interruption* const around_;  // a signal handler may call the engine again
  std::atomic<bool> raised_{false};
  alignas(kCacheLine) Index since_look_ = 0;  // written often, apart from what the team reads
  Clock::time_point next_;
};

}  // namespace tidegate
