// What each register_*.cpp adds to a core module; module.cpp calls them in order.
#pragma once

#include <pybind11/pybind11.h>

namespace tidegate {

void register_config(pybind11::module_& m);
void register_threads(pybind11::module_& m);
void register_layer(pybind11::module_& m);
void register_several(pybind11::module_& m);
void register_stream(pybind11::module_& m);
void register_optimizer(pybind11::module_& m);
void register_probe(pybind11::module_& m);
void register_schedule(pybind11::module_& m);

}  // namespace tidegate
