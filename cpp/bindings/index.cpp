// x[key] for integers, slices, None and ...: a view. What arrays and masks pick is index_arrays.cpp's.
#include "bindings/index.h"

#include <algorithm>

#include "bindings/facts.h"
#include "core/error.h"
#include "ops/pieces.h"
#include "ops/recorder.h"

namespace pt::bindings {
namespace {

Picked whole(int64_t size) { return {0, 1, size}; }

Picked picked_by(PyObject* slice, int64_t size) {
  Py_ssize_t start = 0, stop = 0, step = 0;
  if (PySlice_Unpack(slice, &start, &stop, &step) < 0) {
    const py::error_already_set error;
    if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw error;
    fail_index(text(key_words(slice), ": ", py::cast<std::string>(py::str(error.value()))),
               "integers or None, and a step other than 0");
  }
  const Py_ssize_t count = PySlice_AdjustIndices(size, &start, &stop, step);
  return {start, count > 1 ? step : 1, count};  // of one element any step is the same
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

}  // namespace

int64_t place_of(PyObject* integer, int64_t size, int axis) {
  int overflow = 0;
  const int64_t at = PyLong_AsLongLongAndOverflow(integer, &overflow);
  if (overflow || at < -size || at >= size)
    fail_index(text(shown(integer), " for axis ", axis, " of size ", size), text(-size, " to ", size - 1));
  return at < 0 ? at + size : at;
}

Block block_of(const Shape& sizes, PlainKeys keys) {
  int named = 0, gaps = 0;
  for (PyObject* key : keys) {
    named += key != Py_None && key != Py_Ellipsis;
    gaps += key == Py_Ellipsis;
  }
  if (gaps > 1) fail_index(key_words(keys), "one ... at most");
  if (named > sizes.size())
    fail_index(text(named, " indices for ", sizes.size(), " axes"), text("at most ", sizes.size()));
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
      block.keep(axis, {place_of(key, sizes[axis], axis), 1, 1}, sizes[axis]);
      ++axis;
    }
  }
  keep_rest(sizes.size());
  return block;
}

Tensor pick(const Tensor& x, PlainKeys keys) {
  const Block block = block_of(x.shape(), keys);
  if (block.all && block.shape == x.shape()) return unmarked(x);
  const bool heard = active_recorder() || tape_depth() > 0 || !x.concrete();
  return heard ? recorded_view_of(x, block) : view_of(x, block);
}

namespace {

Tensor picked(PyObject* self, PyObject* key) {
  const Tensor x = to_tensor(self, "index");  // which a key's own code may give another value
  const PlainKeys parts = parts_of(key);
  return std::all_of(parts.begin(), parts.end(), is_plain) ? pick(x, parts) : pick(x, keys_of(key));
}

constexpr const char* kWhere = "index";

PyObject* subscript(PyObject* self, PyObject* key) {
  try {
    const Calling calling(kWhere);
    return wrap(picked(self, key)).release().ptr();
  } catch (...) {
    translate_current_exception();
  }
  name_the_call("[", kWhere);
  raise_leftover_again("index", "integers, slices, None, ..., arrays of integers and masks", &key, 1, nullptr);
  return nullptr;
}

// Elements of a tensor that ends with the statement, as x[1:] in x[1:][0] = 5, which NumPy would write into x.
void check_kept(PyObject* self) {
#if PY_VERSION_HEX >= 0x030E0000
  const bool ends = PyUnstable_Object_IsUniqueReferencedTemporary(self) != 0;
#else
  const bool ends = Py_REFCNT(self) == 1;
#endif
  if (ends)
    throw IndexError(
        "[index] received elements of a tensor that nothing holds, as in x[1:][0] = 5; expected those of a tensor with "
        "a name, since x[1:] is a value of its own; write one index, such as x[1] = 5");
}

int assign_subscript(PyObject* self, PyObject* key, PyObject* value) {
  try {
    const Calling calling(kWhere);
    if (!value)
      throw DTypeError("[index] received del of elements; expected no change of a tensor's shape; use what is left");
    check_assignable(self, "index");
    const Tensor given = to_tensor(value, "index", false);
    const Keys keys = keys_of(key);
    const TensorType wanted{unwrap(self).dtype(), given.shape()};
    const Tensor fitting = cast_for(given, wanted, "index");
    check_kept(self);
    if (write_elements(self, keys, fitting)) return 0;
    const Tensor x = unwrap(self);
    give_value(self, own(unmarked(with_elements(x, keys, fitting))));
    return 0;
  } catch (...) {
    translate_current_exception();
  }
  name_the_call("[", kWhere);
  std::array<PyObject*, 2> given{key, value};
  raise_leftover_again("index", "a key and numbers for its elements", given.data(), value ? 2 : 1, nullptr);
  return -1;
}

PyObject* set_item(PyObject* self, PyObject* const* args, Py_ssize_t given) {
  if (given != 2) {
    PyErr_Format(PyExc_TypeError, "__setitem__ takes 2 arguments (%zd given)", given);
    return nullptr;
  }
  if (assign_subscript(self, args[0], args[1]) < 0) return nullptr;
  Py_RETURN_NONE;
}

// Not functions of Python's, which the interpreter would call without a look at the slot of the type.
PyMethodDef getitem = {"__getitem__", subscript, METH_O,
                       "__getitem__($self, key, /)\n--\n\n"
                       "Integers, slices, None and ... give views; arrays of integers and masks pick elements, as in "
                       "NumPy.\n\nA mask is read when it is used, so it must have a value: within a compiled step use "
                       "where, or weights of 0."};
PyMethodDef setitem = {"__setitem__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&set_item)),
                       METH_FASTCALL, R"(__setitem__($self, key, value, /)
--

Give the object the value whose elements at `key` are those of `value`, in the dtype that it has.

A value is cast by NumPy's rule "same_kind", and broadcast to the elements that it is for. Of elements that are
named twice the last value counts. Gradients flow to the value and to the elements that stay. What was made of the
tensor before keeps its numbers: views, tapes, and NumPy's arrays over the memory.

Errors    a value of another kind or shape, a place outside: before anything changes; the value of a slot; a tensor
          from outside of the function that is traced
Example
    >>> import powertrain as pt
    >>> x = pt.zeros((4,))
    >>> x[1:3] = 5
    >>> x[pt.tensor([True, False, False, False])] = 1.5
    >>> x.tolist()
    [1.5, 5.0, 5.0, 0.0]
)"};

template <class T>
void install() {
  const py::object object = py::type::of<T>();
  auto* type = reinterpret_cast<PyTypeObject*>(object.ptr());
  for (PyMethodDef* method : {&getitem, &setitem})
    object.attr(method->ml_name) = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, method));
  type->tp_as_mapping->mp_subscript = subscript;
  type->tp_as_mapping->mp_ass_subscript = assign_subscript;
}

}  // namespace

void register_index(py::module_&) {
  install<Tensor>();
  install<Slot>();
}

}  // namespace pt::bindings
