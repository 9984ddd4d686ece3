// Threads, instruction set, the roofline, random draws, the user's line.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "bindings/direct.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/interpreter.h"
#include "ops/autocast.h"
#include "ops/drawing.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/roofline/measure.h"
#include "ops/target.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

namespace pt::bindings {
namespace {

struct OwnCode {
  std::string package;               // its lines are not what the user wrote,
  std::vector<std::string> plugins;  // but for those of the built-in plugins, which use the engine as a user does
  bool holds(std::string_view file) const {
    if (package.empty() || !file.starts_with(package)) return false;
    return std::none_of(plugins.begin(), plugins.end(),
                        [&](const std::string& folder) { return file.starts_with(folder); });
  }
};
OwnCode& own_code() {
  static auto& code = *new OwnCode;  // never destroyed: threads may trace while the process ends
  return code;
}

// All locations are made here.
struct Line : Location {
  std::string called;  // the outermost public function of ours below the line
};

// What stands between a user's call and the function that was called.
bool is_between(std::string_view function) {
  static constexpr std::string_view kBetween[] = {"call", "forward", "iterate", "public"};
  return function.starts_with('_') || function.starts_with('<') ||
         std::find(std::begin(kBetween), std::end(kBetween), function) != std::end(kBetween);
}

// The function that made a closure, which Python 3.10 does not say, or the function itself.
std::string name_of(PyCodeObject* code) {
  const auto whole =
      py::reinterpret_steal<py::object>(PyObject_GetAttrString(reinterpret_cast<PyObject*>(code), "co_qualname"));
  if (!whole) PyErr_Clear();
  std::string name = py::cast<std::string>(whole ? py::handle(whole) : py::handle(code->co_name));
  name.resize(std::min(name.size(), name.find(".<locals>")));
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

// What is known of a function's code, and lines of it that calls were made at: a tape asks at every call.
struct Code {
  py::object held;  // so that no other code gets its address
  std::string file, function;
  std::string called;  // its name if it is a public function of ours
  bool ours = false;
  std::vector<std::shared_ptr<const Line>> lines;

  std::shared_ptr<const Line> line(int number, const std::string& name) {
    static constexpr std::size_t kMostLines = 64;
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const auto& line) { return line->line == number && line->called == name; });
    if (found != lines.end()) return *found;
    if (lines.size() == kMostLines) lines.clear();
    return lines.emplace_back(std::make_shared<const Line>(Line{{file, number, function}, name}));
  }
};

// Under the interpreter's lock.
std::unordered_map<PyCodeObject*, Code>& known_codes() {
  static auto& codes = *new std::unordered_map<PyCodeObject*, Code>;
  return codes;
}

Code& code_of(PyCodeObject* code) {
  static constexpr std::size_t kMostCodes = 4096;
  auto& codes = known_codes();
  if (const auto found = codes.find(code); found != codes.end()) return found->second;
  const char *file = PyUnicode_AsUTF8(code->co_filename), *function = PyUnicode_AsUTF8(code->co_name);
  if (!file || !function) PyErr_Clear();  // names that have no UTF-8
  Code made;
  made.held = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(code));
  made.file = file ? file : "?";
  made.function = function ? function : "";
  made.ours = own_code().holds(made.file);
  if (made.ours) {
    std::string name = name_of(code);
    if (!is_between(name)) made.called = std::move(name);
  }
  if (codes.size() >= kMostCodes) {
    const auto gone = std::exchange(codes, {});  // when the map is whole again: it may be the last owner of a code
  }
  return codes.emplace(code, std::move(made)).first->second;
}

// The innermost line outside of our own code: what the user wrote. Inside of it if all of it is ours.
std::shared_ptr<const Location> user_line() {
  if (!PyGILState_Check()) return nullptr;
  PyFrameObject* frame = PyEval_GetFrame();
  if (!frame) return nullptr;
  Py_INCREF(frame);
  PyCodeObject* where = nullptr;
  int number = 0;
  std::string called;
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const Code& known = code_of(code);
    if (!known.ours || !where) {
      where = code;
      number = PyFrame_GetLineNumber(frame);
    }
    if (!known.called.empty()) called = known.called;
    PyFrameObject* back = known.ours ? PyFrame_GetBack(frame) : nullptr;
    Py_DECREF(code);
    Py_DECREF(frame);
    frame = back;
  }
  if (called.empty()) called = called_name();
  return code_of(where).line(number, called);
}

std::string called_at(const Location& location) { return static_cast<const Line&>(location).called; }

// How many numbers are asked for: one where nothing is said.
Ints drawn_sizes(py::handle size, std::string_view op) {
  if (size.is_none()) return {};
  if (auto sizes = integers_of(size)) return *std::move(sizes);
  op.remove_prefix(op.find('_') + 1);  // of random_uniform what users know
  throw DTypeError(text("[", op, "] size = ", shown(size),
                        "; expected an integer or a tuple of integers; pass a tuple such as (0, 1)"));
}

SlotRef generator_of(py::handle generator) {
  if (!is_slot(generator)) {
    PyErr_SetString(PyExc_TypeError, "");
    throw py::error_already_set();
  }
  return slot_of(generator).shared_from_this();
}

constexpr DirectFunction kDraw{
    "draw",
    "(op: str, generator: powertrain._core.Slot, size: object, dtype: object) -> powertrain._core.Tensor",
    "Numbers of an op that draws, by the generator whose state the slot holds.",
    {"op", "generator", "size", "dtype"},
    4};
py::object draw_numbers(const DirectArguments& given) {
  const auto [op, generator, size, dtype] = first<4>(given);
  const std::string name = py::cast<std::string>(op);
  const SlotRef state = generator_of(generator);
  Attrs attrs{{"shape", drawn_sizes(size, name)}, {"dtype", dtype_or(dtype, DType::F32, "random")}};
  return wrap(to_target(draw(name, state, std::move(attrs)), current_target()));
}

constexpr DirectFunction kDrawIntegers{
    "draw_integers",
    "(generator: powertrain._core.Slot, size: object, start: int, range: int) -> powertrain._core.Tensor",
    "So many integers from start on, each as likely as a float64 in [0, 1) makes it.",
    {"generator", "size", "start", "range"},
    4};
py::object integers_drawn(const DirectArguments& given) {
  const auto [generator, size, start, range] = first<4>(given);
  const SlotRef state = generator_of(generator);
  const Tensor whole =
      draw_integers(state, drawn_sizes(size, "integers"), py::cast<int64_t>(start), py::cast<int64_t>(range));
  return wrap(to_target(whole, current_target()));
}

}  // namespace

void register_system(py::module_& m) {
  locator() = &user_line;
  namer() = &called_at;
  m.def("set_own_code", [](std::string package, std::vector<std::string> plugins) {
    own_code() = {std::move(package), std::move(plugins)};
    known_codes().clear();
  });
  m.def("user_line", [] {
    const auto line = user_line();
    return line ? to_string(*line) : std::string();
  });
  m.def(
      "set_autocast",
      [](DType dtype, bool exact) {
        return std::pair(std::exchange(autocast_dtype(), dtype), std::exchange(autocast_exact(), exact));
      },
      py::arg("dtype"), py::arg("exact"),
      "The dtype in which products keep their operands from now on, and whether those of bf16 are exact; gives what "
      "was "
      "before.");
  m.def(
      "set_threads",
      [](int n) {
        if (n < 1 || n > 1024)
          throw ShapeError(text("[set_threads] received ", n, "; expected 1 to 1024; for example the number of cores"));
        const OutsideInterpreter outside;
        Pool::instance().set_threads(n);
      },
      py::arg("threads"), R"(How many threads kernels use. Results do not depend on it.

Example
    >>> import powertrain as pt
    >>> before = pt.get_threads()
    >>> pt.set_threads(1)
    >>> pt.get_threads()
    1
    >>> pt.set_threads(before))");
  m.def(
      "get_threads", [] { return Pool::instance().threads(); }, R"(How many threads kernels use now.

Example
    >>> import powertrain as pt
    >>> pt.get_threads() >= 1
    True)");
  m.def(
      "lost_instructions", [] { return Pool::instance().lost(); },
      "How many instructions of this process were worth sharing among threads, and had none to share with.");
  m.def(
      "isa", [] { return std::string(current_isa()); }, R"(The instruction set in use.

Example
    >>> import powertrain as pt
    >>> pt.isa() in ("generic", "avx2", "avx512", "neon")
    True)");
  m.def(
      "measure_roofline",
      [](double seconds) {
        if (!(seconds > 0 && seconds <= 60))
          throw ShapeError(
              text("[measure_roofline] received ", seconds, " seconds; expected over 0, up to 60; for example 0.5"));
        const OutsideInterpreter outside;
        const Roofline r = measure_roofline(seconds);
        return std::array<double, 3>{r.flops, r.memory_bytes, r.cache_bytes};
      },
      py::arg("seconds"),
      "Per second, of all threads: float32 flops, bytes of a copy in memory, bytes of a copy in cache.");
  m.def("allocations", &Buffer::allocations, "How many buffers were ever allocated.");
  define_directly<kDraw, draw_numbers>(m);
  define_directly<kDrawIntegers, integers_drawn>(m);
}

}  // namespace pt::bindings
