#include "base/interruption.hpp"

#include <thread>

#include "base/barrier.hpp"
#include "base/denormals.hpp"
#include "test.hpp"

using tidegate::Barrier;
using tidegate::Index;
using tidegate::Interruption;

namespace {

constexpr Index kMuch = Index(1) << 30;
int asked = 0;

bool yes() {
  ++asked;
  return true;
}
bool no() {
  ++asked;
  return false;
}
void wait_an_interval() { std::this_thread::sleep_for(Interruption::kInterval * 2); }

}  // namespace

TEST(interruption_is_asked_for_after_an_interval) {
  asked = 0;
  Interruption interruption(&yes);
  interruption.poll(kMuch);
  CHECK(asked == 0 && !interruption.raised());
  wait_an_interval();
  interruption.poll(1);  // too little work to read the clock
  CHECK(asked == 0);
  interruption.poll(kMuch);
  CHECK(asked == 1 && interruption.raised());
  wait_an_interval();
  interruption.poll(kMuch);
  CHECK(asked == 1);  // once is enough
}

TEST(interruption_is_asked_again_when_it_was_not_wanted) {
  asked = 0;
  Interruption interruption(&no);
  for (int round = 1; round <= 2; ++round) {
    wait_an_interval();
    interruption.poll(kMuch);
    CHECK(asked == round && !interruption.raised());
  }
}

TEST(interruption_is_asked_for_only_by_the_thread_that_began) {
  asked = 0;
  Interruption interruption(&yes);
  wait_an_interval();
  std::thread([&] { interruption.poll(kMuch); }).join();
  CHECK(asked == 0 && !interruption.raised());
}

TEST(interruption_current_is_the_innermost_that_can_come) {
  CHECK(&Interruption::current() == &Interruption::never());
  {
    const Interruption outer(&no);
    CHECK(&Interruption::current() == &outer);
    {
      const Interruption inner(&yes);
      CHECK(&Interruption::current() == &inner);
    }
    {
      const Interruption none(nullptr);
      CHECK(&Interruption::current() == &Interruption::never());
    }
    CHECK(&Interruption::current() == &outer);
  }
  CHECK(&Interruption::current() == &Interruption::never());
}

TEST(interruption_frees_who_waits_at_a_barrier) {
  Interruption interruption(&yes);
  Barrier barrier;
  std::thread waiting([&] { barrier.wait(2, interruption); });  // the second never comes
  wait_an_interval();
  interruption.poll(kMuch);
  waiting.join();
  CHECK(interruption.raised());
}

TEST(interruption_denormals_are_kept_for_the_handler) {
  static bool kept = false;
  const tidegate::FlushDenormals flush;
  Interruption interruption([] {
    volatile float smallest = 1.17549435e-38F;
    volatile float half = smallest * 0.5F;
    kept = half > 0;
    return false;
  });
  wait_an_interval();
  interruption.poll(kMuch);
  CHECK(kept);
}
