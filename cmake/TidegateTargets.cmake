# The targets of one ISA level. Objects of different levels are never linked together: Eigen's templates
# have one name and different code, the linker keeps one of them, and an old CPU dies of SIGILL.

# Flags of all our code; the level's own flags come last, so that a -march in CXXFLAGS cannot win.
function(tidegate_compile_options target isa)
  target_compile_features(${target} PRIVATE cxx_std_17)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wconversion
    $<$<CXX_COMPILER_ID:GNU>:-Wno-ignored-attributes>  # Eigen passes packet types as template arguments
    -fno-math-errno -fno-trapping-math
    $<$<BOOL:${TIDEGATE_WERROR}>:-Werror>
    $<$<BOOL:${TIDEGATE_CHECKED}>:-UNDEBUG>  # with NDEBUG of RelWithDebInfo, Eigen asserts nothing
    $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>
    ${TIDEGATE_FLAGS_${isa}})
  target_compile_definitions(${target} PRIVATE
    TIDEGATE_MODULE_NAME=_core_${isa} TIDEGATE_ISA_NAME="${isa}" TIDEGATE_VERSION="${PROJECT_VERSION}"
    TIDEGATE_BUILD_TYPE="$<IF:$<BOOL:${TIDEGATE_CHECKED}>,checked ,>$<CONFIG>"
    EIGEN_DONT_PARALLELIZE EIGEN_MPL2_ONLY
    $<$<BOOL:${TIDEGATE_CHECKED}>:_GLIBCXX_ASSERTIONS>
    $<$<NOT:$<OR:$<BOOL:${TIDEGATE_CHECKED}>,$<CONFIG:Debug>>>:EIGEN_NO_DEBUG>)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
endfunction()

function(tidegate_link_libraries target)
  target_link_libraries(${target} PRIVATE
    Eigen3::Eigen $<$<BOOL:${TIDEGATE_HAS_OPENMP}>:OpenMP::OpenMP_CXX>)
endfunction()

# Only PyInit_* leaves a module, so that two modules in one process cannot mix their templates.
function(tidegate_export_only_init target)
  if(APPLE)
    target_link_options(${target} PRIVATE "LINKER:-exported_symbol,_PyInit_*")
  else()
    set(_map ${PROJECT_SOURCE_DIR}/src/exports.map)
    target_link_options(${target} PRIVATE "LINKER:--version-script=${_map}")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${_map})
  endif()
endfunction()

function(tidegate_place_module target)
  if(TIDEGATE_INPLACE)
    set_target_properties(${target} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/python/tidegate)
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION tidegate)
endfunction()

# engine_<isa>: the object files below the bindings, shared by the module and the C++ tests of this
# level.
function(tidegate_add_engine isa sources)
  add_library(engine_${isa} OBJECT ${sources})
  tidegate_compile_options(engine_${isa} ${isa})
  tidegate_link_libraries(engine_${isa})
endfunction()

# _core_<isa>: the Python module of this level.
function(tidegate_add_module isa binding_sources)
  pybind11_add_module(_core_${isa} MODULE NO_EXTRAS
    ${binding_sources} $<TARGET_OBJECTS:engine_${isa}>)
  tidegate_compile_options(_core_${isa} ${isa})
  tidegate_link_libraries(_core_${isa})
  tidegate_export_only_init(_core_${isa})
  tidegate_place_module(_core_${isa})
endfunction()

# _cpu: which levels this CPU runs. Built for the oldest CPU of the architecture.
function(tidegate_add_cpu_module)
  pybind11_add_module(_cpu MODULE NO_EXTRAS
    ${PROJECT_SOURCE_DIR}/src/bindings/cpu_module.cpp ${PROJECT_SOURCE_DIR}/src/base/cpu_features.cpp)
  tidegate_compile_options(_cpu baseline)
  tidegate_export_only_init(_cpu)
  tidegate_place_module(_cpu)
endfunction()
