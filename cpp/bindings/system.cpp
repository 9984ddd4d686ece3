// Threads, instruction set, the roofline, random draws, the user's line.
#include <algorithm>
#include <utility>

#include "bindings/bindings.h"
#include "core/buffer.h"
#include "core/error.h"
#include "ops/autocast.h"
#include "ops/recorder.h"
#include "ops/roofline/measure.h"
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

// The innermost line outside of our own code: what the user wrote. Inside of it if all of it is ours.
std::shared_ptr<const Location> user_line() {
  if (!PyGILState_Check()) return nullptr;
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  std::shared_ptr<Location> found;
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    const bool ours = file && own_code().holds(file);
    if (file && (!ours || !found)) {
      const char* function = PyUnicode_AsUTF8(code->co_name);
      found = std::make_shared<Location>(Location{file, PyFrame_GetLineNumber(frame), function ? function : ""});
    }
    Py_DECREF(code);
    PyFrameObject* back = ours ? PyFrame_GetBack(frame) : nullptr;
    Py_DECREF(frame);
    frame = back;
  }
  return found;
}

}  // namespace

void register_system(py::module_& m) {
  locator() = &user_line;
  m.def("set_own_code", [](std::string package, std::vector<std::string> plugins) {
    own_code() = {std::move(package), std::move(plugins)};
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
  m.def("user_line", [] {
    const auto line = user_line();
    return line ? to_string(*line) : std::string();
  });
  m.def(
      "set_threads",
      [](int n) {
        if (n < 1 || n > 1024)
          throw ShapeError(text("[set_threads] received ", n, "; expected 1 to 1024; for example the number of cores"));
        py::gil_scoped_release release;
        Pool::instance().set_threads(n);
      },
      py::arg("threads"), "How many threads kernels use. Results do not depend on it.");
  m.def("get_threads", [] { return Pool::instance().threads(); });
  m.def(
      "lost_instructions", [] { return Pool::instance().lost(); },
      "How many instructions of this process were worth sharing among threads, and had none to share with.");
  m.def(
      "isa", [] { return std::string(current_isa()); }, "The instruction set in use.");
  m.def(
      "measure_roofline",
      [](double seconds) {
        if (!(seconds > 0 && seconds <= 60))
          throw ShapeError(
              text("[measure_roofline] received ", seconds, " seconds; expected over 0, up to 60; for example 0.5"));
        py::gil_scoped_release release;
        const Roofline r = measure_roofline(seconds);
        return std::array<double, 3>{r.flops, r.memory_bytes, r.cache_bytes};
      },
      py::arg("seconds"),
      "Per second, of all threads: float32 flops, bytes of a copy in memory, bytes of a copy in cache.");
  m.def("allocations", &Buffer::allocations, "How many buffers were ever allocated.");
  m.def(
      "draw",
      [](const std::string& op, const SlotRef& generator, const std::vector<int64_t>& shape, py::handle wanted) {
        const DType dtype = dtype_or(wanted, DType::F32, "random");
        return draw(op, generator, {{"shape", Ints(shape.begin(), shape.end())}, {"dtype", dtype}});
      },
      py::arg("op"), py::arg("generator"), py::arg("shape"), py::arg("dtype"));
}

}  // namespace pt::bindings
