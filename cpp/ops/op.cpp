#include "ops/op.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/target.h"

namespace pt {
namespace {

// Sorted by name, so that the order in which the linker laid out the specs is never visible. Never destroyed: threads
// may compute while the process ends.
std::map<std::string, std::unique_ptr<Op>, std::less<>>& registry() {
  static auto& ops = *new std::map<std::string, std::unique_ptr<Op>, std::less<>>;
  return ops;
}

// The same by their hashes: every call of an op by its name looks here.
std::unordered_map<std::string_view, Op*>& by_name() {
  static auto& ops = *new std::unordered_map<std::string_view, Op*>;
  return ops;
}

constexpr int64_t kMostPlaces = (int64_t{1} << 31) - 1;

const char* kind_name(AttrKind kind) {
  switch (kind) {
    case AttrKind::Bool:
      return "True or False";
    case AttrKind::Int:
      return "an integer";
    case AttrKind::Number:
      return "a number";
    case AttrKind::String:
      return "a string";
    case AttrKind::Ints:
      return "a tuple of integers";
    case AttrKind::DType:
      return "a dtype";
  }
  return "";
}

bool fits(AttrKind kind, const Attr& value) {
  switch (kind) {
    case AttrKind::Bool:
      return std::holds_alternative<bool>(value);
    case AttrKind::Int:
      return std::holds_alternative<int64_t>(value);
    case AttrKind::Number:
      return std::holds_alternative<double>(value) || std::holds_alternative<int64_t>(value);
    case AttrKind::String:
      return std::holds_alternative<std::string>(value);
    case AttrKind::Ints:
      return std::holds_alternative<Ints>(value);
    case AttrKind::DType:
      return std::holds_alternative<DType>(value);
  }
  return false;
}

}  // namespace

void InferContext::fail(const std::string& message) const { throw ShapeError("[" + op.name + "] " + message); }

Attrs Op::complete(const Attrs& given) const {
  Attrs full;
  for (const AttrSpec& spec : attrs) {
    const Attr* found = given.find(spec.name);
    if (!found && spec.required) {
      throw DTypeError(text("[", name, "] ", spec.name, " is missing; expected ", kind_name(spec.kind), "; pass ",
                            spec.name, "=..."));
    }
    Attr value = found ? *found : spec.preset;
    if (spec.kind == AttrKind::Ints && std::holds_alternative<int64_t>(value)) value = Ints{std::get<int64_t>(value)};
    if (std::holds_alternative<std::monostate>(value)) {
      if (found && !spec.nullable && !std::holds_alternative<std::monostate>(spec.preset)) {
        throw DTypeError(text("[", name, "] ", spec.name, " = None; expected ", kind_name(spec.kind),
                              "; leave it out for ", to_string(spec.preset)));
      }
    } else if (!fits(spec.kind, value)) {
      throw DTypeError(text("[", name, "] ", spec.name, " = ", to_string(value), "; expected ", kind_name(spec.kind),
                            "; pass a value of that type"));
    } else if (spec.check) {
      const std::string expected = spec.check(value);
      if (!expected.empty()) {
        const bool preset = !std::holds_alternative<std::monostate>(spec.preset);
        throw ShapeError(
            text("[", name, "] ", spec.name, " = ", to_string(value), "; expected ", expected, "; ",
                 preset ? text("for example ", spec.name, " = ", to_string(spec.preset)) : "pass other numbers"));
      }
    }
    if (spec.kind == AttrKind::Number && std::holds_alternative<int64_t>(value)) {
      value = static_cast<double>(std::get<int64_t>(value));
    }
    full.set(spec.name, std::move(value));
  }
  for (const auto& [key, value] : given.items()) {
    if (!full.find(key)) {
      std::string known;
      for (const AttrSpec& spec : attrs) known += (known.empty() ? "" : ", ") + spec.name;
      throw DTypeError(text("[", name, "] ", key, " is no parameter of ", name, "; expected ",
                            known.empty() ? "none" : known, "; remove it"));
    }
  }
  return full;
}

OpBuilder::OpBuilder(std::string name) { op_.name = std::move(name); }

OpBuilder& OpBuilder::in(std::string name, Takes takes) {
  op_.inputs.push_back({std::move(name), takes});
  return *this;
}
OpBuilder& OpBuilder::in_optional(std::string name, Takes takes) {
  in(std::move(name), takes);
  op_.inputs.back().optional = true;
  return *this;
}
OpBuilder& OpBuilder::in_list(std::string name, Takes takes) {
  in(std::move(name), takes);
  op_.inputs.back().list = true;
  return *this;
}
OpBuilder& OpBuilder::in_index(std::string name) {
  in(std::move(name), Takes::Integer);
  op_.inputs.back().promoted = false;
  return *this;
}
OpBuilder& OpBuilder::in_mask(std::string name) {
  in(std::move(name), Takes::Bool);
  op_.inputs.back().promoted = false;
  return *this;
}

AttrSpec& OpBuilder::add(std::string name, AttrKind kind) {
  AttrSpec spec;
  spec.name = std::move(name);
  spec.kind = kind;
  op_.attrs.push_back(std::move(spec));
  return op_.attrs.back();
}
OpBuilder& OpBuilder::attr(std::string name, bool preset) {
  add(std::move(name), AttrKind::Bool).preset = preset;
  return *this;
}
OpBuilder& OpBuilder::attr(std::string name, int preset) {
  add(std::move(name), AttrKind::Int).preset = static_cast<int64_t>(preset);
  return *this;
}
OpBuilder& OpBuilder::attr(std::string name, double preset, std::function<std::string(const Attr&)> check) {
  AttrSpec& spec = add(std::move(name), AttrKind::Number);
  spec.preset = preset;
  spec.check = std::move(check);
  return *this;
}
OpBuilder& OpBuilder::attr(std::string name, const char* preset, std::vector<std::string> choices) {
  AttrSpec& spec = add(std::move(name), AttrKind::String);
  spec.preset = std::string(preset);
  spec.check = [choices](const Attr& value) -> std::string {
    if (std::find(choices.begin(), choices.end(), std::get<std::string>(value)) != choices.end()) return "";
    std::string all;
    for (const std::string& choice : choices) all += (all.empty() ? "'" : ", '") + choice + "'";
    return "one of " + all;
  };
  return *this;
}
OpBuilder& OpBuilder::attr_ints(std::string name, std::optional<Ints> preset, bool nullable) {
  AttrSpec& spec = add(std::move(name), AttrKind::Ints);
  spec.nullable = nullable;
  if (preset) spec.preset = *preset;
  spec.required = !preset && !nullable;
  return *this;
}
OpBuilder& OpBuilder::attr_shape(std::string name) {
  AttrSpec& spec = add(std::move(name), AttrKind::Ints);
  spec.required = true;
  spec.check = [](const Attr& value) -> std::string {
    const Ints& sizes = std::get<Ints>(value);
    const bool fits = std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size >= 0; });
    return fits ? "" : "sizes of at least 0";
  };
  return *this;
}
OpBuilder& OpBuilder::attr_counts(std::string name, int64_t least, std::optional<Ints> preset, bool nullable) {
  attr_ints(std::move(name), std::move(preset), nullable);
  op_.attrs.back().check = [least](const Attr& value) -> std::string {
    const Ints& counts = std::get<Ints>(value);
    const auto fits = [least](int64_t n) { return n >= least && n <= kMostPlaces; };
    return std::all_of(counts.begin(), counts.end(), fits) ? "" : text("numbers from ", least, " to ", kMostPlaces);
  };
  return *this;
}
OpBuilder& OpBuilder::attr_count(std::string name, int64_t least, std::optional<int64_t> preset) {
  AttrSpec& spec = add(std::move(name), AttrKind::Int);
  if (preset) spec.preset = *preset;
  spec.required = !preset;
  spec.check = [least](const Attr& value) -> std::string {
    const int64_t n = std::get<int64_t>(value);
    return n >= least && n <= kMostPlaces ? "" : text("an integer from ", least, " to ", kMostPlaces);
  };
  return *this;
}
OpBuilder& OpBuilder::attr_required(std::string name, AttrKind kind) {
  add(std::move(name), kind).required = true;
  return *this;
}
OpBuilder& OpBuilder::attr_nullable(std::string name, AttrKind kind, std::function<std::string(const Attr&)> check) {
  AttrSpec& spec = add(std::move(name), kind);
  spec.nullable = true;
  spec.check = std::move(check);
  return *this;
}
OpBuilder& OpBuilder::outputs(int n) {
  op_.outputs = n;
  return *this;
}
OpBuilder& OpBuilder::shape(InferFn fn) {
  op_.infer = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::vjp(VjpFn fn) {
  op_.vjp = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::no_gradient() {
  op_.no_gradient = true;
  return *this;
}
OpBuilder& OpBuilder::compose(ComposeFn fn) {
  op_.compose = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::complex(ComposeFn fn) {
  op_.takes_complex = true;
  op_.complex_rule = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::view(ViewFn fn) {
  op_.view = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::no_promotion() {
  op_.promotes = false;
  return *this;
}
OpBuilder& OpBuilder::floats() {
  op_.integer_to_float = true;
  return *this;
}
OpBuilder& OpBuilder::random() {
  op_.random = true;
  return *this;
}
OpBuilder& OpBuilder::contiguous() {
  op_.contiguous = true;
  return *this;
}
OpBuilder& OpBuilder::rewrites() {
  op_.rewrites = true;
  return *this;
}
OpBuilder& OpBuilder::joins_pieces(PiecesFn fn) {
  op_.joins_pieces = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::portable(ComposeFn fn) {
  op_.portable = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::same_elsewhere() {
  return portable([](const Tensors& in, const Attrs&) -> Tensors { return {in[0]}; });
}
OpBuilder& OpBuilder::reduces_rows(StepKind step) {
  op_.reduces_rows = step;
  return *this;
}
OpBuilder& OpBuilder::casts() {
  op_.casts = true;
  return *this;
}
OpBuilder& OpBuilder::draws() {
  op_.draws = true;
  return random();
}

OpBuilder& OpBuilder::sweeps() {
  op_.sweeps = true;
  return *this;
}
OpBuilder& OpBuilder::any_strides() {
  op_.any_strides = true;
  return *this;
}
OpBuilder& OpBuilder::indexes(IndexesFn fn) {
  op_.indexes = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::may_fail() {
  op_.may_fail = true;
  return *this;
}
OpBuilder& OpBuilder::passes_through() {
  op_.passes_through = true;
  return *this;
}
OpBuilder& OpBuilder::guards() {
  op_.guard = true;
  return passes_through();
}

OpBuilder& OpBuilder::reads_slot() {
  op_.reads_slot = true;
  return *this;
}

OpBuilder& OpBuilder::saves(std::vector<bool> inputs, std::vector<bool> outputs) {
  op_.saves = {std::move(inputs), std::move(outputs)};
  return *this;
}

OpBuilder& OpBuilder::batch(BatchFn fn) {
  op_.batch = std::move(fn);
  return *this;
}
OpBuilder& OpBuilder::elementwise() {
  op_.elementwise = true;
  op_.batch = batch_broadcast;
  op_.infer = infer_elementwise;
  return *this;
}
OpBuilder& OpBuilder::cost(double ns) {
  op_.cost_ns = ns;
  return *this;
}
OpBuilder& OpBuilder::predicate() {
  elementwise();
  op_.infer = infer_predicate;
  op_.no_gradient = true;
  return *this;
}

OpBuilder& OpBuilder::doc(std::string text, std::string example) {
  op_.doc = std::move(text);
  op_.example = std::move(example);
  return *this;
}

OpBuilder::operator const Op*() {
  auto owned = std::make_unique<Op>(std::move(op_));
  Op* op = owned.get();
  find_plans(*op);
  by_name().erase(op->name);  // its words may be those of one that this takes the place of
  registry()[op->name] = std::move(owned);
  by_name()[op->name] = op;
  return op;
}

std::string positive(const Attr& value) {
  const double* x = std::get_if<double>(&value);
  const double number = x ? *x : static_cast<double>(std::get<int64_t>(value));
  return number > 0 && std::isfinite(number) ? "" : "a number above 0";
}
std::string non_negative(const Attr& value) {
  const double* x = std::get_if<double>(&value);
  const double number = x ? *x : static_cast<double>(std::get<int64_t>(value));
  return number >= 0 && std::isfinite(number) ? "" : "a number of at least 0";
}
std::string fraction(const Attr& value) {
  const double* x = std::get_if<double>(&value);
  const double number = x ? *x : static_cast<double>(std::get<int64_t>(value));
  return number >= 0 && number < 1 ? "" : "a number in [0, 1)";
}

Op* registered_op(std::string_view name) {
  const auto found = by_name().find(name);
  return found == by_name().end() ? nullptr : found->second;
}

const Op* find_op_or_null(std::string_view name) { return registered_op(name); }

const Op& find_op(std::string_view name) {
  const Op* op = find_op_or_null(name);
  if (!op)
    throw Error(text("[op] no op is called ", name, "; expected a name of powertrain._core.ops(); check the spelling"));
  return *op;
}

std::vector<const Op*> all_ops() {
  std::vector<const Op*> ops;
  for (auto& [name, op] : registry()) ops.push_back(op.get());
  return ops;
}

}  // namespace pt
