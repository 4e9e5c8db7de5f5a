// Which x86-64 psABI levels (v2, v3, v4) this CPU and operating system run. Compiled for the oldest
// CPU of the architecture and linked only into the _cpu module and the test launcher, never into a
// level. Source: System V psABI x86-64, section "Processor-specific levels"; Intel SDM vol. 2A,
// CPUID, and vol. 1, 13.3 and 14.3 (XGETBV tells which registers the operating system saves).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate {

// The raw words that the answer depends on; a test can make them up.
struct CpuidWords {
  std::uint32_t leaf1_ecx = 0;
  std::uint32_t leaf7_ebx = 0;
  std::uint32_t extended1_ecx = 0;  // leaf 0x80000001
  std::uint64_t xcr0 = 0;           // 0 when the operating system does not use XSAVE
};

// The words of this CPU; all zero where CPUID does not exist.
CpuidWords read_cpuid();

// Lowest level first. Each level includes the ones below it.
std::vector<std::string> x86_levels(const CpuidWords& words);

// Names of the modules this CPU can run: levels on x86-64, {"base"} elsewhere.
std::vector<std::string> supported_levels();

}  // namespace tidegate
