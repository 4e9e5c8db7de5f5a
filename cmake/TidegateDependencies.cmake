# Python, pybind11, Eigen and (optional) OpenMP. scikit-build-core puts the build environment's packages
# on CMAKE_PREFIX_PATH; a plain `cmake` asks the interpreter (an active virtual environment comes first).
set(Python_FIND_VIRTUALENV FIRST)
set(PYBIND11_FINDPYTHON ON)
set(_python Interpreter)
if(TIDEGATE_MODULES)
  list(APPEND _python Development.Module)
endif()
find_package(Python 3.10 REQUIRED COMPONENTS ${_python})

set(_hints "")
if(NOT SKBUILD)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import sysconfig; print(sysconfig.get_path('purelib'))"
    OUTPUT_VARIABLE _hints OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
if(TIDEGATE_MODULES)
  find_package(pybind11 3.0 REQUIRED CONFIG HINTS ${_hints} PATH_SUFFIXES pybind11/share/cmake/pybind11)
endif()
# cmeel-eigen publishes no CMake entry point, hence the suffix; a system libeigen3-dev is found as well.
find_package(Eigen3 3.4 REQUIRED CONFIG HINTS ${_hints} PATH_SUFFIXES cmeel.prefix/share/eigen3/cmake)

if(NOT TIDEGATE_OPENMP MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "TIDEGATE_OPENMP is \"${TIDEGATE_OPENMP}\"; expected AUTO, ON or OFF")
endif()
set(TIDEGATE_HAS_OPENMP OFF)
if(NOT TIDEGATE_OPENMP STREQUAL "OFF")
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    set(TIDEGATE_HAS_OPENMP ON)
  elseif(TIDEGATE_OPENMP STREQUAL "ON")
    message(FATAL_ERROR "TIDEGATE_OPENMP=ON, but this compiler has no OpenMP; install it or use AUTO")
  else()
    message(STATUS "OpenMP not found: building tidegate serial")
  endif()
endif()
