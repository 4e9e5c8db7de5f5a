// Which steps of a call are valid: lengths, a mask, or neither. Checked here; messages start with
// the name of the door.
#pragma once

#include <memory>
#include <string>

#include "bindings/arrays.hpp"

namespace tidegate {

// As Python gives it. Both arrays None: every step is valid.
struct Validity {
  OptionalArray<std::int64_t> lengths;  // (B,)
  OptionalArray<bool> mask;             // (B, T)
  std::string masked_output;            // "zero" or "hold"
};

// As the engine takes it, kept from the forward pass to the backward.
struct Ragged {
  std::shared_ptr<const RaggedBatch> batch = nullptr;  // null where every step is valid
  MaskedOutput masked_output = MaskedOutput::kZero;

  ActiveRows rows(Dims dims) const { return batch ? ActiveRows(*batch) : ActiveRows(dims); }
};

inline bool all_lengths_are(Index steps, const Array<std::int64_t>& lengths, const char* where) {
  bool all = true;
  for (Index b = 0; b < lengths.size(); ++b) {
    const std::int64_t length = lengths.data()[b];
    CHECK_ARG(length >= 0 && length <= steps, where << ": lengths[" << b << "] is " << length
                                                    << "; expected 0 to " << steps
                                                    << ", the steps of x.");
    all = all && length == steps;
  }
  return all;
}

// The batch as the pass that runs forward, or backward in time, goes over it. Every pass of a call
// has one of its own.
inline Ragged ragged_from(const char* where, Validity valid, Dims dims, bool go_backwards) {
  const bool hold = valid.masked_output == "hold";
  CHECK_ARG(hold || valid.masked_output == "zero", where << ": masked_output is \""
                                                         << valid.masked_output
                                                         << "\"; expected \"zero\" or \"hold\".");
  CHECK_ARG(!valid.lengths || !valid.mask,
            where << ": lengths and mask are both given; expected one (a mask says more).");
  Ragged ragged{nullptr, hold ? MaskedOutput::kHold : MaskedOutput::kZero};
  const auto keep = [&](RaggedBatch&& batch) {
    ragged.batch = std::make_shared<const RaggedBatch>(std::move(batch));
  };
  if (valid.lengths) {
    const std::string name = std::string(where) + ": lengths";
    check_shape(*valid.lengths, name.c_str(), Shape<1>{dims.batch}, " = (batch,)");
    const auto lengths = contiguous_copy(*valid.lengths);
    if (!all_lengths_are(dims.steps, lengths, where)) {
      keep(RaggedBatch::from_lengths(lengths.data(), dims, go_backwards));
    }
  } else if (valid.mask) {
    const std::string name = std::string(where) + ": mask";
    check_shape(*valid.mask, name.c_str(), Shape<2>{dims.batch, dims.steps},
                " = (batch, steps), also where x is (steps, batch, inputs)");
    const auto mask = contiguous_copy(*valid.mask);
    if (std::find(mask.data(), mask.data() + mask.size(), false) != mask.data() + mask.size()) {
      keep(RaggedBatch::from_mask(mask.data(), dims, go_backwards));
    }
  }
  return ragged;
}

// Of an array that the call made, perhaps read-only for Python already.
template <class T>
void fill_with_zeros(const OptionalArray<T>& array) {
  if (array) std::fill_n(const_cast<T*>(array->data()), array->size(), T(0));
}

}  // namespace tidegate
