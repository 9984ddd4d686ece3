#include "core/attrs.h"

#include <bit>
#include <charconv>
#include <functional>

#include "core/error.h"

namespace pt {
namespace {

const char* type_name(const Attr& value) {
  static constexpr const char* kNames[] = {"None",     "a bool",   "an integer", "a number",
                                           "a string", "integers", "a dtype"};
  return kNames[value.index()];
}

[[noreturn]] void wrong(std::string_view name, const Attr* value, std::string_view expected) {
  const std::string received = value ? to_string(*value) + " (" + type_name(*value) + ")" : "missing";
  throw Error(text("[attribute ", name, "] ", received, "; expected ", expected,
                   "; set it in the call or give it a default in the spec"));
}

template <class T>
const T& get(const Attrs& attrs, std::string_view name, std::string_view expected) {
  const Attr* value = attrs.find(name);
  const T* held = value ? std::get_if<T>(value) : nullptr;
  if (!held) wrong(name, value, expected);
  return *held;
}

// As Python's repr: the shortest digits that read back to the same number, and never to be taken for an integer.
std::string repr(double value) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  std::string result(digits, end);
  return result.find_first_not_of("-0123456789") == std::string::npos ? result + ".0" : result;
}

std::string repr(const Ints& values) {
  std::string result = "(";
  for (std::size_t i = 0; i < values.size(); ++i) result += (i ? ", " : "") + std::to_string(values[i]);
  return result + (values.size() == 1 ? ",)" : ")");
}

struct ToString {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return repr(value); }
  std::string operator()(const std::string& value) const { return "'" + value + "'"; }
  std::string operator()(const Ints& values) const { return repr(values); }
  std::string operator()(DType value) const { return std::string(info(value).name); }
};

void mix(std::size_t& seed, std::size_t value) { seed ^= value + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2); }

struct Hash {
  std::size_t operator()(std::monostate) const { return 0; }
  std::size_t operator()(bool value) const { return value; }
  std::size_t operator()(int64_t value) const { return static_cast<std::size_t>(value); }
  std::size_t operator()(double value) const { return std::bit_cast<uint64_t>(value); }
  std::size_t operator()(const std::string& value) const { return std::hash<std::string>{}(value); }
  std::size_t operator()(const Ints& values) const {
    std::size_t seed = values.size();
    for (int64_t value : values) mix(seed, static_cast<std::size_t>(value));
    return seed;
  }
  std::size_t operator()(DType value) const { return static_cast<std::size_t>(value); }
};

bool same(const Attr& a, const Attr& b) {
  const double *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  return x && y ? std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(*y) : a == b;
}

}  // namespace

void Attrs::set(std::string_view name, Attr value) {
  for (auto& [key, held] : items_) {
    if (key == name) {
      held = std::move(value);
      return;
    }
  }
  if (items_.empty()) items_.reserve(4);  // most calls have no more
  items_.emplace_back(std::string(name), std::move(value));
}

const Attr* Attrs::find(std::string_view name) const {
  for (auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

bool Attrs::has(std::string_view name) const {
  const Attr* value = find(name);
  return value && !std::holds_alternative<std::monostate>(*value);
}

bool Attrs::flag(std::string_view name) const { return get<bool>(*this, name, "a bool"); }
int64_t Attrs::integer(std::string_view name) const { return get<int64_t>(*this, name, "an integer"); }
const std::string& Attrs::str(std::string_view name) const { return get<std::string>(*this, name, "a string"); }
const Ints& Attrs::ints(std::string_view name) const { return get<Ints>(*this, name, "integers"); }
DType Attrs::dtype(std::string_view name) const { return get<DType>(*this, name, "a dtype"); }

double Attrs::number(std::string_view name) const {
  const Attr* value = find(name);
  if (const int64_t* integer = value ? std::get_if<int64_t>(value) : nullptr) return static_cast<double>(*integer);
  return get<double>(*this, name, "a number");
}

bool operator==(const Attrs& a, const Attrs& b) {
  if (a.items_.size() != b.items_.size()) return false;
  for (std::size_t i = 0; i < a.items_.size(); ++i) {
    if (a.items_[i].first != b.items_[i].first || !same(a.items_[i].second, b.items_[i].second)) return false;
  }
  return true;
}

std::string to_string(const Attr& value) { return std::visit(ToString{}, value); }

std::string to_string(const Attrs& attrs) {
  std::string result;
  for (auto& [name, value] : attrs.items()) result += (result.empty() ? "" : ", ") + name + "=" + to_string(value);
  return result;
}

std::size_t hash_value(const Attrs& attrs) {
  std::size_t seed = attrs.items().size();
  for (auto& [name, value] : attrs.items()) {
    mix(seed, std::hash<std::string>{}(name));
    mix(seed, value.index());
    mix(seed, std::visit(Hash{}, value));
  }
  return seed;
}

}  // namespace pt
