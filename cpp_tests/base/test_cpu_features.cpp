// x86_levels() on made-up CPUs; the bits are those of the psABI's table, written out again here.
#include "base/cpu_features.hpp"

#include "test.hpp"

using tidegate::CpuidWords;
using tidegate::x86_levels;
using Names = std::vector<std::string>;

// A Nehalem-like, a Haswell-like and a Skylake-X-like CPU under an operating system that saves all.
static CpuidWords nehalem() { return {0x00982201, 0, 0x1, 0}; }
static CpuidWords haswell() { return {0x7fda3223, 0x000027ab, 0x21, 0x7}; }
static CpuidWords skylake_x() { return {0x7ffefbff, 0xd39ffffb, 0x121, 0xe7}; }

TEST(cpu_levels_grow_with_the_cpu) {
  CHECK(x86_levels(CpuidWords{}) == Names{});
  CHECK(x86_levels(nehalem()) == Names{"v2"});
  CHECK(x86_levels(haswell()) == (Names{"v2", "v3"}));
  CHECK(x86_levels(skylake_x()) == (Names{"v2", "v3", "v4"}));
}

TEST(cpu_levels_need_every_feature) {
  for (int index : {12, 22, 28, 29}) {  // FMA, MOVBE, AVX, F16C
    CpuidWords words = skylake_x();
    words.leaf1_ecx &= ~(std::uint32_t{1} << index);
    CHECK(x86_levels(words) == Names{"v2"});
  }
  for (int index : {16, 17, 28, 30, 31}) {  // AVX-512 F, DQ, CD, BW, VL
    CpuidWords words = skylake_x();
    words.leaf7_ebx &= ~(std::uint32_t{1} << index);
    CHECK(x86_levels(words) == (Names{"v2", "v3"}));
  }
}

TEST(cpu_levels_need_the_operating_system) {
  CpuidWords words = skylake_x();
  words.xcr0 = 0x7;  // saves ymm, not zmm
  CHECK(x86_levels(words) == (Names{"v2", "v3"}));
  words.xcr0 = 0x3;  // saves xmm only
  CHECK(x86_levels(words) == Names{"v2"});
}

TEST(cpu_levels_agree_with_the_compiler) {
  const Names levels = tidegate::supported_levels();
#if defined(__x86_64__)
  const bool has_v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi2");
  const bool has_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  CHECK((levels.size() >= 2) == has_v3);
  CHECK((levels.size() >= 3) == (has_v3 && has_v4));
#else
  CHECK(levels == Names{"base"});
#endif
}
