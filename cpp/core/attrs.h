// The attributes of one op call: what is not a tensor. Ordered as the spec declares them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/dtype.h"

namespace pt {

using Ints = std::vector<int64_t>;
// monostate is an attribute left at None.
using Attr = std::variant<std::monostate, bool, int64_t, double, std::string, Ints, DType>;

class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<std::string_view, Attr>> items) {
    for (auto& [name, value] : items) set(name, value);
  }
  void set(std::string_view name, Attr value);
  const Attr* find(std::string_view name) const;  // nullptr when absent
  bool has(std::string_view name) const;          // present and not None
  bool flag(std::string_view name) const;         // each getter throws Error when the attribute is missing
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;  // an integer is taken as a number too
  const std::string& str(std::string_view name) const;
  const Ints& ints(std::string_view name) const;
  DType dtype(std::string_view name) const;
  const std::vector<std::pair<std::string, Attr>>& items() const { return items_; }
  // Numbers by their bits: 0.0 and -0.0 are different attributes, and NaN equals itself.
  friend bool operator==(const Attrs& a, const Attrs& b);

 private:
  std::vector<std::pair<std::string, Attr>> items_;
};

std::string to_string(const Attr& value);
std::string to_string(const Attrs& attrs);  // "axis=1, keepdims=True"
std::size_t hash_value(const Attrs& attrs);

}  // namespace pt
