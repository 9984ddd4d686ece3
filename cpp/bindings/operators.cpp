// x + y, x += y and x < y: the slots of a class call its methods, which are ops. Python's own slots would look each of
// them up by its name, which takes long beside a small sum. Who assigns a method of the class gets Python's slot back.
#include <array>

#include "bindings/direct.h"

namespace pt::bindings {
namespace {

struct Operator {
  PyObject *plain, *reversed, *updating;
};
enum Which { Add, Subtract, Multiply, Divide, FloorDivide, Remainder, Matmul, And, Or, Xor, kOperators };
std::array<Operator, kOperators> operators;    // of any class: these are functions that live as long as the process
std::array<PyObject*, Py_GE + 1> comparisons;  // by Python's numbers of them

PyObject* called(PyObject* function, PyObject* first, PyObject* second) {
  PyObject* const args[] = {first, second};
  return PyObject_Vectorcall(function, args, 2, nullptr);
}

template <Which which>
PyObject* computed(PyObject* left, PyObject* right) {
  const bool ours = is_tensor(left) || is_slot(left);
  return ours ? called(operators[which].plain, left, right) : called(operators[which].reversed, right, left);
}
template <Which which>
PyObject* updated_by(PyObject* left, PyObject* right) {
  return called(operators[which].updating, left, right);
}
PyObject* compared(PyObject* left, PyObject* right, int how) {
  return called(comparisons[static_cast<std::size_t>(how)], left, right);
}

PyObject* method(const py::object& cls, const std::string& name) {
  return py::object(cls.attr(name.c_str())).release().ptr();
}

using NumberSlot = binaryfunc PyNumberMethods::*;

template <Which which>
void install(const py::object& cls, const std::string& name, NumberSlot plain, NumberSlot in_place) {
  const std::string behind = name.substr(2);
  operators[which] = {method(cls, name), method(cls, "__r" + behind), method(cls, "__i" + behind)};
  PyNumberMethods* slots = reinterpret_cast<PyTypeObject*>(cls.ptr())->tp_as_number;
  slots->*plain = computed<which>;
  slots->*in_place = updated_by<which>;
}

}  // namespace

void register_operators(py::module_& m) {
  m.def(
      "call_operators",
      [](const py::object& cls) {
        using N = PyNumberMethods;
        install<Add>(cls, "__add__", &N::nb_add, &N::nb_inplace_add);
        install<Subtract>(cls, "__sub__", &N::nb_subtract, &N::nb_inplace_subtract);
        install<Multiply>(cls, "__mul__", &N::nb_multiply, &N::nb_inplace_multiply);
        install<Divide>(cls, "__truediv__", &N::nb_true_divide, &N::nb_inplace_true_divide);
        install<FloorDivide>(cls, "__floordiv__", &N::nb_floor_divide, &N::nb_inplace_floor_divide);
        install<Remainder>(cls, "__mod__", &N::nb_remainder, &N::nb_inplace_remainder);
        install<Matmul>(cls, "__matmul__", &N::nb_matrix_multiply, &N::nb_inplace_matrix_multiply);
      },
      py::arg("cls"), "Lets the operators of a class call its methods of these names at once.");
  m.def(
      "call_comparisons",
      [](const py::object& cls) {
        constexpr std::array<const char*, 6> kNames{"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"};
        for (std::size_t how = 0; how < kNames.size(); ++how) comparisons[how] = method(cls, kNames[how]);
        auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
        type->tp_richcompare = compared;
        install<And>(cls, "__and__", &PyNumberMethods::nb_and, &PyNumberMethods::nb_inplace_and);
        install<Or>(cls, "__or__", &PyNumberMethods::nb_or, &PyNumberMethods::nb_inplace_or);
        install<Xor>(cls, "__xor__", &PyNumberMethods::nb_xor, &PyNumberMethods::nb_inplace_xor);
      },
      py::arg("cls"), "The same for comparisons and what is done with their results.");
}

}  // namespace pt::bindings
