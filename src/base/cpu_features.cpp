#include "base/cpu_features.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tidegate {
namespace {

constexpr std::uint32_t bit(int index) { return std::uint32_t{1} << index; }

constexpr bool has_all(std::uint64_t word, std::uint64_t wanted) {
  return (word & wanted) == wanted;
}

// CPUID leaf 1, ECX
constexpr std::uint32_t kSse3 = bit(0), kSsse3 = bit(9), kFma = bit(12), kCx16 = bit(13),
                        kSse41 = bit(19), kSse42 = bit(20), kMovbe = bit(22), kPopcnt = bit(23),
                        kOsxsave = bit(27), kAvx = bit(28), kF16c = bit(29);
// CPUID leaf 7, subleaf 0, EBX
constexpr std::uint32_t kBmi1 = bit(3), kAvx2 = bit(5), kBmi2 = bit(8), kAvx512f = bit(16),
                        kAvx512dq = bit(17), kAvx512cd = bit(28), kAvx512bw = bit(30),
                        kAvx512vl = bit(31);
// CPUID leaf 0x80000001, ECX
constexpr std::uint32_t kLahf = bit(0), kLzcnt = bit(5);
// XCR0: the operating system saves xmm and ymm; opmask and both halves of zmm
constexpr std::uint64_t kSavesYmm = 0x06, kSavesZmm = 0xe6;

constexpr std::uint32_t kV2Leaf1 = kSse3 | kSsse3 | kCx16 | kSse41 | kSse42 | kPopcnt;
constexpr std::uint32_t kV3Leaf1 = kFma | kMovbe | kOsxsave | kAvx | kF16c;
constexpr std::uint32_t kV3Leaf7 = kBmi1 | kAvx2 | kBmi2;
constexpr std::uint32_t kV4Leaf7 = kAvx512f | kAvx512dq | kAvx512cd | kAvx512bw | kAvx512vl;

}  // namespace

CpuidWords read_cpuid() {
  CpuidWords words;
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) words.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) words.leaf7_ebx = ebx;
  if (__get_cpuid(0x80000001U, &eax, &ebx, &ecx, &edx)) words.extended1_ecx = ecx;
  if (has_all(words.leaf1_ecx, kOsxsave)) {
    // xgetbv as an instruction: its intrinsic would need -mxsave, which the oldest CPU lacks.
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    words.xcr0 = (std::uint64_t{edx} << 32) | eax;
  }
#endif
  return words;
}

std::vector<std::string> x86_levels(const CpuidWords& words) {
  std::vector<std::string> levels;
  if (!has_all(words.leaf1_ecx, kV2Leaf1) || !has_all(words.extended1_ecx, kLahf)) return levels;
  levels.emplace_back("v2");
  if (!has_all(words.leaf1_ecx, kV3Leaf1) || !has_all(words.leaf7_ebx, kV3Leaf7) ||
      !has_all(words.extended1_ecx, kLzcnt) || !has_all(words.xcr0, kSavesYmm)) {
    return levels;
  }
  levels.emplace_back("v3");
  if (has_all(words.leaf7_ebx, kV4Leaf7) && has_all(words.xcr0, kSavesZmm)) {
    levels.emplace_back("v4");
  }
  return levels;
}

std::vector<std::string> supported_levels() {
#if defined(__x86_64__)
  return x86_levels(read_cpuid());
#else
  return {"base"};
#endif
}

}  // namespace tidegate
