// x[key] for integers, slices, None and ...: a view. Masks and arrays of places are powertrain/ops/indexing.py's.
#include <algorithm>
#include <array>
#include <span>

#include "bindings/bindings.h"
#include "bindings/facts.h"
#include "core/error.h"
#include "ops/pieces.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

using Keys = std::span<PyObject* const>;

bool is_basic(PyObject* key) { return is_plain_int(key) || PySlice_Check(key) || key == Py_None || key == Py_Ellipsis; }

// A key as Python writes it, without asking anything of a stranger's class.
std::string words(PyObject* key) {
  if (PySlice_Check(key)) {
    const auto* slice = reinterpret_cast<PySliceObject*>(key);
    return text("slice(", words(slice->start), ", ", words(slice->stop), ", ", words(slice->step), ")");
  }
  const bool plain = key == Py_None || key == Py_Ellipsis || is_number(key) || PyUnicode_CheckExact(key);
  return plain ? shown(key) : Py_TYPE(key)->tp_name;
}

[[noreturn]] void fail(const std::string& received, const std::string& expected) {
  throw IndexError(text("[index] received ", received, "; expected ", expected, "; see help(powertrain.take)"));
}

// What keys pick along an axis.
struct Picked {
  int64_t start, step, count;
};

Picked whole(int64_t size) { return {0, 1, size}; }

Picked picked_by(PyObject* slice, int64_t size) {
  Py_ssize_t start = 0, stop = 0, step = 0;
  if (PySlice_Unpack(slice, &start, &stop, &step) < 0) {
    const py::error_already_set error;
    if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw error;
    fail(text(words(slice), ": ", py::cast<std::string>(py::str(error.value()))),
         "integers or None, and a step other than 0");
  }
  const Py_ssize_t count = PySlice_AdjustIndices(size, &start, &stop, step);
  return {start, count > 1 ? step : 1, count};  // of one element any step is the same
}

int64_t place(PyObject* key, int64_t size, int axis) {
  int overflow = 0;
  const int64_t at = PyLong_AsLongLongAndOverflow(key, &overflow);
  if (overflow || at < -size || at >= size)
    fail(text(shown(key), " for axis ", axis, " of size ", size), text(-size, " to ", size - 1));
  return at < 0 ? at + size : at;
}

struct Block {
  std::array<Picked, kMaxDims> along{};  // each axis of the tensor
  Shape shape;
  Shape axes;  // for each axis of the result: the tensor's, or -1 for a new one
  bool all = true;

  void keep(int axis, const Picked& part, int64_t size) {
    along[axis] = part;
    all = all && part.count == size && part.step == 1;
  }
  void show(int axis, int64_t size) {
    shape.push_back(size);
    axes.push_back(axis);
  }
};

Block block_of(const Shape& sizes, Keys keys) {
  int named = 0, gaps = 0;
  for (PyObject* key : keys) {
    named += key != Py_None && key != Py_Ellipsis;
    gaps += key == Py_Ellipsis;
  }
  if (gaps > 1) {
    std::string all;
    for (PyObject* key : keys) all += (all.empty() ? "" : ", ") + words(key);
    fail("(" + all + ")", "one ... at most");
  }
  if (named > sizes.size()) fail(text(named, " indices for ", sizes.size(), " axes"), text("at most ", sizes.size()));
  Block block;
  int axis = 0;
  const auto keep_rest = [&](int until) {
    for (; axis < until; ++axis) {
      block.keep(axis, whole(sizes[axis]), sizes[axis]);
      block.show(axis, sizes[axis]);
    }
  };
  for (PyObject* key : keys) {
    if (key == Py_None) {
      block.show(-1, 1);
    } else if (key == Py_Ellipsis) {
      keep_rest(axis + sizes.size() - named);
    } else if (PySlice_Check(key)) {
      block.keep(axis, picked_by(key, sizes[axis]), sizes[axis]);
      block.show(axis, block.along[axis].count);
      ++axis;
    } else {
      block.keep(axis, {place(key, sizes[axis], axis), 1, 1}, sizes[axis]);
      ++axis;
    }
  }
  keep_rest(sizes.size());
  return block;
}

// Concrete numbers that nobody listens to: the view itself.
Tensor view_of(const Tensor& x, const Block& block) {
  int64_t offset = x.impl().offset;
  for (int axis = 0; axis < x.ndim(); ++axis) offset += block.along[axis].start * x.strides()[axis];
  Strides strides;
  for (const int64_t axis : block.axes) strides.push_back(axis < 0 ? 1 : x.strides()[axis] * block.along[axis].step);
  return own(Tensor::view(x.impl().buffer, {x.dtype(), block.shape}, strides, count(block.shape) > 0 ? offset : 0));
}

Tensor recorded_view_of(const Tensor& x, const Block& block) {
  Ints start, stop, step;
  for (int axis = 0; axis < x.ndim(); ++axis) {
    const Picked& part = block.along[axis];
    start.push_back(part.start);
    stop.push_back(part.start + part.count * part.step);
    step.push_back(part.step);
  }
  const Tensor piece = block.all ? unmarked(x) : pt::block(x, start, stop, step);
  return piece.shape() == block.shape ? piece : fn::reshape(piece, block.shape);
}

Tensor pick(const Tensor& x, Keys keys) {
  const Block block = block_of(x.shape(), keys);
  if (block.all && block.shape == x.shape()) return unmarked(x);
  const bool heard = active_recorder() || tape_depth() > 0 || !x.concrete();
  return heard ? recorded_view_of(x, block) : view_of(x, block);
}

Keys keys_of(PyObject*& key) {
  if (!PyTuple_CheckExact(key)) return {&key, 1};
  return {&PyTuple_GET_ITEM(key, 0), static_cast<std::size_t>(PyTuple_GET_SIZE(key))};
}

// powertrain.ops.indexing.index, for every key.
PyObject*& general_index() {
  static PyObject* index = nullptr;
  return index;
}

PyObject* subscript(PyObject* self, PyObject* key) {
  const Keys keys = keys_of(key);
  if (!std::all_of(keys.begin(), keys.end(), is_basic))
    return PyObject_CallFunctionObjArgs(general_index(), self, key, nullptr);
  try {
    note_constant(unwrap(self));
    const Tensor x = unwrap(self);  // which a key's own code may give another value
    return wrap(pick(x, keys)).release().ptr();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}

// Not a function of Python's, which the interpreter would call without a look at the slot of the type.
PyMethodDef getitem = {"__getitem__", subscript, METH_O,
                       "__getitem__($self, key, /)\n--\n\n"
                       "Integers, slices, None and ... give views; arrays of integers and masks pick elements, as in "
                       "NumPy.\n\nA mask is read when it is used, so it must have a value: within a compiled step use "
                       "where, or weights of 0."};

}  // namespace

void register_index(py::module_& m) {
  m.def(
      "pick",
      [](const py::object& tensor, const py::tuple& keys) {
        note_constant(unwrap(tensor));
        PyObject* key = keys.ptr();
        return wrap(pick(unwrap(tensor), keys_of(key)));
      },
      py::arg("tensor"), py::arg("keys"), "What integers, slices, None and ... pick of a tensor.");
  m.def(
      "block",
      [](py::handle shape, const py::tuple& keys) {
        const Shape sizes = to_shape(shape, "index");
        PyObject* key = keys.ptr();
        const Block block = block_of(sizes, keys_of(key));
        Ints start, step, counts;
        for (int axis = 0; axis < sizes.size(); ++axis) {
          start.push_back(block.along[axis].start);
          step.push_back(block.along[axis].step);
          counts.push_back(block.along[axis].count);
        }
        return std::make_tuple(start, step, counts);
      },
      py::arg("shape"), py::arg("keys"), "Where such keys begin along each axis, their steps, and how many they pick.");
  m.def(
      "index_by",
      [](const py::object& index) {
        general_index() = index.inc_ref().ptr();
        auto* type = reinterpret_cast<PyTypeObject*>(py::type::of<Tensor>().ptr());
        py::type::of<Tensor>().attr("__getitem__") =
            py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &getitem));
        type->tp_as_mapping->mp_subscript = subscript;
      },
      py::arg("index"), "What x[key] of a tensor does with other keys.");
}

}  // namespace pt::bindings
