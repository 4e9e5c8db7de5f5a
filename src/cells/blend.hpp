// One gate z that shares between an old and a new value:
//   retain  z∘old + (1-z)∘new          replace  (1-z)∘old + z∘new
// The update gate of the GRU, and the gate of an LSTM whose input and forget gates are coupled.
#pragma once

namespace tidegate {

struct Blend {
  bool retain = true;

  template <class V>
  V value(const V& z, const V& before, const V& now) const {
    return retain ? now + z * (before - now) : before + z * (now - before);
  }
  // Of the gradient `d` by the value: what goes to z, to the old and to the new.
  template <class V>
  V to_gate(const V& d, const V& before, const V& now) const {
    return retain ? d * (before - now) : d * (now - before);
  }
  template <class V>
  V to_old(const V& d, const V& z) const {
    return retain ? d * z : d - d * z;
  }
  template <class V>
  V to_new(const V& d, const V& z) const {
    return retain ? d - d * z : d * z;
  }
};

}  // namespace tidegate
