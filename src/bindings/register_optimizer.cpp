// FlatSlots: flat parameters, their gradients and the slots of an optimizer, bound once, so that a
// step is one short call. squared_norm: of gradients.
#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/register.hpp"
#include "optimizers/update.hpp"

namespace tidegate {
namespace {

template <class T>
class FlatSlots {
 public:
  // Slots exist twice: a step reads those of one side and writes those of the other.
  FlatSlots(OptionalArray<T> values, OptionalArray<T> gradients, std::vector<OptionalArray<T>> left,
            std::vector<OptionalArray<T>> right)
      : arrays_{values, gradients} {
    CHECK_ARG(values && gradients && left.size() == right.size(),
              "core: values and gradients are given, and as many slots on either side.");
    size_ = values->size();
    values_ = writable(values, "core: values", Shape<1>{size_});
    gradients_ = contiguous(gradients, "core: gradients", Shape<1>{size_});
    for (auto* side : {&left, &right}) {
      std::vector<T*> pointers;
      for (OptionalArray<T>& slot : *side) {
        CHECK_ARG(slot, "core: a slot is None.");
        pointers.push_back(writable(slot, "core: a slot", Shape<1>{size_}));
        arrays_.push_back(slot);
      }
      slots_[side == &right] = pointers;
    }
  }

  void sgd(bool side, double keep, double momentum, bool nesterov, double rate) {
    if (slots_[0].empty()) {
      run(SgdRule<T>{T(rate)}, side, keep);
    } else if (nesterov) {
      run(MomentumRule<T, true>{T(momentum), T(rate)}, side, keep);
    } else {
      run(MomentumRule<T, false>{T(momentum), T(rate)}, side, keep);
    }
  }

  void rmsprop(bool side, double keep, double rho, double epsilon, double momentum, bool centered,
               double rate) {
    const auto with = [&](auto rule) {
      run(decltype(rule){T(rho), T(1 - rho), T(epsilon), T(momentum), T(rate)}, side, keep);
    };
    const bool moves = slots_[0].size() == (centered ? 3 : 2);
    if (centered && moves) return with(RmsPropRule<T, true, true>{});
    if (centered) return with(RmsPropRule<T, true, false>{});
    if (moves) return with(RmsPropRule<T, false, true>{});
    with(RmsPropRule<T, false, false>{});
  }

  void adam(bool side, double keep, double rest_1, double rest_2, double epsilon, double size) {
    run(AdamRule<T>{T(rest_1), T(rest_2), T(epsilon), T(size)}, side, keep);
  }

 private:
  template <class Rule>
  void run(const Rule& rule, bool side, double keep) {
    CHECK_ARG(slots_[0].size() == Rule::kSlots, "core: this rule has another number of slots.");
    const py::gil_scoped_release release;  // pure C++ on memory that this object keeps alive
    update(rule, T(keep), size_, values_, gradients_, slots_[side], slots_[!side]);
  }

  std::vector<OptionalArray<T>> arrays_;  // keep alive what the pointers point to
  Index size_ = 0;
  T* values_ = nullptr;
  const T* gradients_ = nullptr;
  std::vector<T*> slots_[2];
};

template <class T>
double squared_norm_of(const OptionalArray<T>& gradient) {
  CHECK_ARG(gradient, "core: the gradient is given.");
  const Index size = gradient->size();
  const T* numbers = contiguous(gradient, "core: the gradient", Shape<1>{size});
  const py::gil_scoped_release release;  // pure C++ on memory that the argument keeps alive
  return squared_norm(numbers, size);
}

template <class T>
void register_dtype(py::module_& m, const char* name) {
  using py::arg;
  using Slots = FlatSlots<T>;
  using List = std::vector<OptionalArray<T>>;
  py::class_<Slots>(m, name)
      .def(py::init<OptionalArray<T>, OptionalArray<T>, List, List>(), arg("values").noconvert(),
           arg("gradients").noconvert(), arg("left").noconvert(), arg("right").noconvert())
      .def("sgd", &Slots::sgd, arg("side"), arg("keep"), arg("momentum"), arg("nesterov"),
           arg("rate"))
      .def("rmsprop", &Slots::rmsprop, arg("side"), arg("keep"), arg("rho"), arg("epsilon"),
           arg("momentum"), arg("centered"), arg("rate"))
      .def("adam", &Slots::adam, arg("side"), arg("keep"), arg("rest_1"), arg("rest_2"),
           arg("epsilon"), arg("size"));
  m.def("squared_norm", &squared_norm_of<T>, arg("gradient").noconvert());
}

}  // namespace

void register_optimizer(py::module_& m) {
  register_dtype<float>(m, "FlatSlots32");
  register_dtype<double>(m, "FlatSlots64");
}

}  // namespace tidegate
