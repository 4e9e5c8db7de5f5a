// build_config(): how this module was built, for `tidegate info` and bug reports.
#include <Eigen/Core>

#include <string>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace tidegate {
namespace {

#define TIDEGATE_STRING_OF(x) #x
#define TIDEGATE_STRING(x)    TIDEGATE_STRING_OF(x)

#if defined(__clang__)
constexpr const char* kCompiler = "clang";
constexpr const char* kCompilerVersion = __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "gcc";
constexpr const char* kCompilerVersion = __VERSION__;
#else
constexpr const char* kCompiler = "unknown";
constexpr const char* kCompilerVersion = "unknown";
#endif

constexpr const char* kEigenVersion = TIDEGATE_STRING(EIGEN_WORLD_VERSION) "." TIDEGATE_STRING(
    EIGEN_MAJOR_VERSION) "." TIDEGATE_STRING(EIGEN_MINOR_VERSION);

#if defined(EIGEN_NO_DEBUG)
constexpr bool kAssertions = false;
#else
constexpr bool kAssertions = true;
#endif

// _OPENMP is the specification's date (yyyymm); None tells of a serial build.
py::object openmp_version() {
#ifdef _OPENMP
  return py::str(TIDEGATE_STRING(_OPENMP));
#else
  return py::none();
#endif
}

py::dict build_config() {
  py::dict config;
  config["version"] = TIDEGATE_VERSION;
  config["isa"] = TIDEGATE_ISA_NAME;
  config["compiler"] = kCompiler;
  config["compiler_version"] = kCompilerVersion;
  config["cxx_standard"] = __cplusplus / 100 % 100;
  config["build_type"] = TIDEGATE_BUILD_TYPE;
  config["assertions"] = kAssertions;
  config["eigen"] = kEigenVersion;
  config["openmp"] = openmp_version();
  return config;
}

}  // namespace

void register_config(py::module_& m) {
  m.def("build_config", &build_config, "How this module was built, as a dict.");
}

}  // namespace tidegate
