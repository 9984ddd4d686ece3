// Tensors that are made of Python's objects, of one number, and of numbers in a regular order.
#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings/direct.h"
#include "bindings/facts.h"
#include "core/convert.h"
#include "core/error.h"
#include "ops/functional.h"
#include "ops/grids.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt::bindings {
namespace {

// A Python number in a complex dtype.
Tensor complex_number(const Tensor& number, DType dtype) {
  const bool whole = is_complex(number.dtype());
  const double re = load_number(number.host(), number.dtype());
  const double im = whole ? load_number(number.host() + 8, DType::F64) : 0.0;
  Tensor made = Tensor::empty({dtype, {}});
  store_number(made.host(), part_dtype(dtype), re);
  store_number(made.host() + size_of(dtype) / 2, part_dtype(dtype), im);
  return made;
}

}  // namespace

Tensor number_in(const Tensor& number, DType dtype) {
  if (is_complex(dtype)) return complex_number(number, dtype);
  return converted(number, dtype);
}

namespace {

DType natural_dtype(const Tensor& number) {
  return number.dtype() == DType::F64 ? DType::F32 : number.dtype() == DType::C128 ? DType::C64 : number.dtype();
}

// Lists of Python's integers are held to their dtype, as one such number is.
Tensor in_dtype(const Tensor& t, py::handle data, py::handle dtype, const char* where) {
  if (dtype.is_none()) return t;
  const DType wanted = dtype_or(dtype, t.dtype(), where);
  if ((PyList_Check(data.ptr()) || PyTuple_Check(data.ptr())) && is_int(t.dtype()) && is_int(wanted)) {
    for (int64_t i = 0; i < t.size(); ++i) {
      check_holds(wanted, t.host() + i * static_cast<int64_t>(size_of(t.dtype())), t.dtype(), where);
    }
  }
  return fn::cast(t, wanted);
}

Tensor make(py::handle data, py::handle dtype, const char* where) {
  Tensor t = own(unmarked(to_tensor(data, where, dtype.is_none())));
  if (t.impl().weak) {
    const DType wanted = dtype_or(dtype, natural_dtype(t), where);
    if (is_complex(t.dtype()) && !is_complex(wanted))
      throw DTypeError(text("[", where, "] received the complex number ", shown(data), " for ", info(wanted).name,
                            "; expected a real number; take its real part, or a complex dtype"));
    if (is_int(t.dtype()) && is_int(wanted)) check_holds(wanted, t.host(), t.dtype(), where);
    return number_in(t, wanted);
  }
  return in_dtype(t, data, dtype, where);
}

// What is made of Python's objects is made where the caller says, or where the current target says. An array on a
// device stays there.
Tensor placed(const Tensor& made, py::handle data, py::handle device, const std::string& where) {
  if (!device.is_none()) return to_target(made, device_named(device, where));
  const bool there = is_tensor(data) || py::isinstance<Slot>(data) || made.symbolic();
  return there || !made.impl().buffer->on_host() ? made : moved(made, current_target().memory());
}

// Integers below this are exact in float64, so that they are rounded once.
constexpr int64_t kExactInDouble = int64_t{1} << 53;

// A number of Python's that is stored in a dtype without a cast: undefined for any other.
Tensor stored(py::handle value, const TensorType& type) {
  const bool wide = type.dtype == DType::F32 || type.dtype == DType::F64;
  if (PyFloat_CheckExact(value.ptr())) return wide ? Tensor::full(type, PyFloat_AS_DOUBLE(value.ptr())) : Tensor();
  if (PyBool_Check(value.ptr())) {
    return wide || type.dtype == DType::Bool ? Tensor::full(type, value.ptr() == Py_True) : Tensor();
  }
  if (!is_plain_int(value.ptr()) || (!wide && !is_int(type.dtype))) return {};
  int overflow = 0;
  const int64_t integer = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  if (overflow || integer < -kExactInDouble || integer > kExactInDouble) return {};
  if (!wide) check_holds(type.dtype, &integer, DType::I64, "full");
  return Tensor::full(type, static_cast<double>(integer));
}

Tensor full_of(const TensorType& type, py::handle value) {
  check_type(type, "full");
  if (Tensor made = stored(value, type); made.defined()) return made;
  const Tensor one = make(value, wrap(type.dtype), "full");
  if (one.ndim() != 0 || one.symbolic())
    throw ShapeError(text("[full] value is ", one.type(), one.symbolic() ? ", symbolic" : "",
                          "; expected one number; for more, use broadcast_to"));
  return Tensor::view(one.impl().buffer, type, broadcast_strides({}, {}, type.shape), one.impl().offset);
}

constexpr DirectFunction kFull{"full",
                               "(shape: object, value: object, dtype: object = None) -> powertrain._core.Tensor",
                               "A tensor of one value.",
                               {"shape", "value", "dtype"},
                               2};
py::object full(const DirectArguments& given) {
  const auto [shape, value, dtype] = first<3>(given);
  const DType preset = PyComplex_CheckExact(value.ptr()) ? DType::C64 : DType::F32;
  const DType wanted = dtype_or(dtype, preset, "full");
  return wrap(moved(full_of({wanted, to_shape(shape, "full")}, value), current_target().memory()));
}

constexpr DirectFunction kFullLike{"full_like",
                                   "(x: object, value: object, dtype: object = None) -> powertrain._core.Tensor",
                                   "A tensor of one value in the shape of x, where x lies.",
                                   {"x", "value", "dtype"},
                                   2};
py::object full_like(const DirectArguments& given) {
  const auto [x, value, dtype] = first<3>(given);
  const Tensor like = to_tensor(x, "asarray");
  const DType preset = like.impl().weak ? natural_dtype(like) : like.dtype();
  const Tensor made = full_of({dtype_or(dtype, preset, "full"), like.shape()}, value);
  return wrap(moved(made, like.concrete() ? like.impl().buffer->memory() : current_target().memory()));
}

constexpr DirectFunction kTensor{
    "tensor",
    "(data: object, dtype: object = None, device: object = None) -> powertrain._core.Tensor",
    R"(A tensor with memory of its own.

Example
    >>> import powertrain as pt
    >>> pt.tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2))",
    {"data", "dtype", "device"},
    1};
py::object tensor(const DirectArguments& given) {
  const auto [data, dtype, device] = first<3>(given);
  return wrap(placed(make(data, dtype, "tensor"), data, device, "tensor"));
}

constexpr DirectFunction kAsarray{
    "asarray",
    "(data: object, dtype: object = None, device: object = None) -> powertrain._core.Tensor",
    R"(A tensor; arrays in main memory are not copied.

Example
    >>> import numpy as np, powertrain as pt
    >>> pt.asarray(np.arange(3)).tolist()
    [0, 1, 2])",
    {"data", "dtype", "device"},
    1};
py::object asarray(const DirectArguments& given) {
  const auto [data, dtype, device] = first<3>(given);
  const Tensor made = is_number(data) ? make(data, dtype, "asarray")
                                      : in_dtype(to_tensor(data, "asarray", dtype.is_none()), data, dtype, "asarray");
  return wrap(placed(made, data, device, "asarray"));
}

// For functions that are made in Python: what they are given, or an error of ours.
constexpr DirectFunction kInteger{"integer",
                                  "(value: object, name: str, caller: str) -> int",
                                  "The integer that a value is, or an error in the name of a function.",
                                  {"value", "name", "caller"},
                                  3};
py::object integer_named(const DirectArguments& given) {
  const auto [value, name, caller] = first<3>(given);
  if (const auto integer = integer_of(value)) return py::int_(*integer);
  throw DTypeError(text("[", py::cast<std::string>(caller), "] ", py::cast<std::string>(name), " = ", shown(value),
                        "; expected an integer; pass one of 64 bits"));
}

// Numbers that were computed in float64, rounded once.
Tensor rounded(const Tensor& numbers, py::handle dtype, const char* where) {
  const Tensor made = fn::cast(numbers, dtype_or(dtype, DType::F32, where));
  return made.symbolic() ? made : moved(made, current_target().memory());
}

Tensor real_range(double start, double stop, double step, py::handle dtype) {
  if (step == 0) throw ShapeError("[arange] step = 0; expected another number; leave it out for 1");
  const double size = std::ceil((stop - start) / step);
  if (!(size < kMostElements))
    throw ShapeError(text("[arange] start = ", start, ", stop = ", stop, ", step = ", step,
                          "; expected finite numbers and a result that memory can hold; check them"));
  const auto n = static_cast<int64_t>(std::max(0.0, size));
  const Tensor t = Tensor::empty({DType::F64, {n}});
  for (int64_t i = 0; i < n; ++i) reinterpret_cast<double*>(t.host())[i] = start + static_cast<double>(i) * step;
  return rounded(t, dtype, "arange");
}

// In float64, as NumPy computes them.
Tensor spaced(double start, double stop, int64_t n, bool endpoint) {
  const Tensor t = Tensor::empty({DType::F64, {n}});
  auto* at = reinterpret_cast<double*>(t.host());
  const double parts = static_cast<double>(endpoint ? n - 1 : n), whole = stop - start, step = whole / parts;
  for (int64_t i = 0; i < n; ++i) {
    const auto place = static_cast<double>(i);
    // A step below the smallest number would be lost; a single number has none.
    at[i] = (parts <= 0 ? place * whole : step == 0 ? place / parts * whole : place * step) + start;
  }
  if (endpoint && n > 1) at[n - 1] = stop;
  return t;
}

constexpr DirectFunction kEvenlySpaced{
    "evenly_spaced",
    "(start: float, stop: float, n: int, endpoint: bool, dtype: object) -> powertrain._core.Tensor",
    "So many numbers from start to stop, the last of them with endpoint.",
    {"start", "stop", "n", "endpoint", "dtype"},
    5};
py::object evenly_spaced(const DirectArguments& given) {
  const auto [start, stop, n, endpoint, dtype] = first<5>(given);
  const Tensor numbers =
      spaced(py::cast<double>(start), py::cast<double>(stop), py::cast<int64_t>(n), py::cast<bool>(endpoint));
  return wrap(rounded(numbers, dtype, "linspace"));
}

constexpr DirectFunction kEvenlyRaised{"evenly_raised",
                                       "(base: float, start: float, stop: float, n: int, endpoint: bool, dtype: "
                                       "object) -> powertrain._core.Tensor",
                                       "The powers of a base whose exponents are evenly spaced.",
                                       {"base", "start", "stop", "n", "endpoint", "dtype"},
                                       6};
py::object evenly_raised(const DirectArguments& given) {
  const auto [base, start, stop, n, endpoint, dtype] = first<6>(given);
  const Tensor exponents =
      spaced(py::cast<double>(start), py::cast<double>(stop), py::cast<int64_t>(n), py::cast<bool>(endpoint));
  return wrap(rounded(powers_of(py::cast<double>(base), exponents), dtype, "logspace"));
}

__extension__ using Wide = __int128;
constexpr Wide kWidest = Wide{1} << 120;  // so that differences fit

// An integer of Python's; of those that no result could hold, one that none could either.
Wide wide_integer(const py::int_& integer) {
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
  if (!overflow) return value;
  const py::object above = integer >> py::int_(64);
  const int64_t high = PyLong_AsLongLongAndOverflow(above.ptr(), &overflow);
  const bool below = overflow ? overflow < 0 : high < 0;
  if (overflow || high > int64_t{1} << 50 || high < -(int64_t{1} << 50)) return below ? -kWidest : kWidest;
  return static_cast<Wide>(high) * (static_cast<Wide>(UINT64_MAX) + 1) + PyLong_AsUnsignedLongLongMask(integer.ptr());
}

// The integers start, start + step, ... below stop: int64, or uint64 where they are beyond it.
Tensor range_of_integers(const py::int_& start, const py::int_& stop, const py::int_& step) {
  const Wide first = wide_integer(start), end = wide_integer(stop), by = wide_integer(step);
  if (by == 0) throw ShapeError("[arange] step = 0; expected another number; leave it out for 1");
  const Wide distance = by > 0 ? end - first : first - end, stride = by > 0 ? by : -by;
  const Wide size = distance > 0 ? (distance - 1) / stride + 1 : 0;
  const Wide last = size > 0 ? first + (size - 1) * by : 0, least = size > 0 ? std::min(first, last) : 0;
  const Wide most = size > 0 ? std::max(first, last) : 0, limit = Wide{1} << 63;
  const bool wide = most >= limit;
  if (size > static_cast<Wide>(kMostElements) || most >= 2 * limit || least < (wide ? 0 : -limit))
    throw ShapeError(text("[arange] start = ", shown(start), ", stop = ", shown(stop), ", step = ", shown(step),
                          "; expected integers of 64 bits and a result that memory can hold; check them"));
  return whole_range(static_cast<uint64_t>(first), static_cast<uint64_t>(by), static_cast<int64_t>(size), wide);
}

Tensor ones_on_diagonal(int64_t rows, int64_t columns, int64_t k, py::handle dtype) {
  const TensorType type{DType::F32, {rows, columns}};
  const Tensor t = Tensor::empty(type);
  auto* at = reinterpret_cast<float*>(t.host());
  std::fill_n(at, t.size(), 0.0f);
  // The first row and how many follow, without a sum that could be too large.
  const int64_t first = k >= 0 ? 0 : k <= -rows ? rows : -k;
  for (int64_t i = first; i < rows && k < columns - i; ++i) at[i * columns + i + k] = 1.0f;
  return rounded(t, dtype, "eye");
}

// The rows and columns of the places on and below a diagonal, or on and above it.
std::pair<Tensor, Tensor> triangle(int64_t rows, int64_t columns, int64_t k, bool lower) {
  check_type({DType::Bool, {rows, columns}}, lower ? "tril_indices" : "triu_indices");
  const int64_t offset = std::clamp(k, -rows - 1, columns + 1);
  const auto begin_of = [&](int64_t i) { return lower ? 0 : std::clamp<int64_t>(i + offset, 0, columns); };
  const auto end_of = [&](int64_t i) { return lower ? std::clamp<int64_t>(i + offset + 1, 0, columns) : columns; };
  int64_t n = 0;
  for (int64_t i = 0; i < rows; ++i) n += end_of(i) - begin_of(i);
  const Tensor of_rows = Tensor::empty({DType::I64, {n}}), of_columns = Tensor::empty({DType::I64, {n}});
  auto *row = reinterpret_cast<int64_t*>(of_rows.host()), *column = reinterpret_cast<int64_t*>(of_columns.host());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = begin_of(i); j < end_of(i); ++j) {
      *row++ = i;
      *column++ = j;
    }
  }
  Memory& memory = current_target().memory();
  return {moved(of_rows, memory), moved(of_columns, memory)};
}

}  // namespace

Tensor strong(const Tensor& number) { return number_in(number, natural_dtype(number)); }

Tensor whole_range(uint64_t start, uint64_t step, int64_t n, bool wide) {
  const Tensor t = Tensor::empty({wide ? DType::U64 : DType::I64, {n}});
  for (int64_t i = 0; i < n; ++i, start += step) reinterpret_cast<uint64_t*>(t.host())[i] = start;
  return moved(t, current_target().memory());
}

void register_creation(py::module_& m) {
  define_directly<kTensor, tensor>(m);
  define_directly<kAsarray, asarray>(m);
  define_directly<kFull, full>(m);
  define_directly<kFullLike, full_like>(m);
  define_directly<kInteger, integer_named>(m);
  define_directly<kEvenlySpaced, evenly_spaced>(m);
  define_directly<kEvenlyRaised, evenly_raised>(m);
  m.def("real_range", &real_range);
  m.def("range_of_integers", &range_of_integers);
  m.def("ones_on_diagonal", &ones_on_diagonal);
  m.def("triangle", &triangle);
  m.def(
      "size_by", [](py::type kind) { type_of_sizes() = reinterpret_cast<PyTypeObject*>(kind.release().ptr()); },
      py::arg("kind"), "The class, of int, that x.size is of.");
  m.def("integers", [](py::handle value, const std::string& name, const std::string& where) {
    if (const auto integers = integers_of(value)) return *integers;
    throw DTypeError(text("[", where, "] ", name, " = ", shown(value),
                          "; expected an integer or a tuple of integers; pass a tuple such as (0, 1)"));
  });
}

}  // namespace pt::bindings
