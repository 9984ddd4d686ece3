// Every differentiable op in float64: the gradient rule against central differences, the second one too, and a
// definition against its kernel. Values against NumPy are tested from Python.
#include <cmath>
#include <functional>
#include <map>

#include "graph/autodiff.h"
#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"
#include "tests/check.h"

namespace pt {
namespace {

// Numbers without pattern, the same in every run.
double noise(int64_t i) {
  uint64_t x = static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((x ^ (x >> 31)) >> 11) / 0x1p53;
}

double* numbers(const Tensor& t) { return reinterpret_cast<double*>(t.host()); }

Tensor random_tensor(const Shape& shape, int64_t seed, double low = -2, double high = 2) {
  Tensor t = Tensor::empty({DType::F64, shape});
  for (int64_t i = 0; i < t.size(); ++i) numbers(t)[i] = low + (high - low) * noise(seed * 7919 + i);
  return t;
}

Tensor integers(const Shape& shape, const std::vector<int64_t>& values, DType dtype = DType::I64) {
  Tensor t = Tensor::empty({dtype, shape});
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == DType::U8)
      reinterpret_cast<uint8_t*>(t.host())[i] = static_cast<uint8_t>(values[i]);
    else
      reinterpret_cast<int64_t*>(t.host())[i] = values[i];
  }
  return t;
}

using Function = std::function<Tensors(const Tensors&)>;

// The inner product of float outputs with fixed weights: a scalar function whose gradient sees every output.
double weighted(const Tensors& outputs, const Tensors& weights) {
  double sum = 0;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const Tensor y = to_row_major(outputs[o]);
    for (int64_t i = 0; i < y.size(); ++i) sum += numbers(y)[i] * numbers(weights[o])[i];
  }
  return sum;
}

Tensors floats_of(const Tensors& all) {
  Tensors kept;
  for (const Tensor& t : all) {
    if (t.dtype() == DType::F64) kept.push_back(t);
  }
  return kept;
}

Tensors weights_for(const Tensors& outputs, int64_t seed) {
  Tensors weights;
  for (const Tensor& y : outputs) weights.push_back(random_tensor(y.shape(), seed++));
  return weights;
}

Tensors gradient_of(const Function& f, const Tensors& at, const Tensors& weights) {
  TapeScope on;
  WatchScope watch(at);
  return gradients(floats_of(f(at)), weights, at);
}

// |analytic - numeric| on every element of every float input.
void check_gradient(const std::string& what, const Function& f, const Tensors& at, double step = 1e-5,
                    double tolerance = 2e-6) {
  const Tensors wrt = floats_of(at);
  const Tensors weights = weights_for(floats_of(f(at)), 1000);
  const auto with = [&](const Tensors& floats) {
    Tensors all;
    std::size_t next = 0;
    for (const Tensor& t : at) all.push_back(t.dtype() == DType::F64 ? floats[next++] : t);
    return f(all);
  };
  const Tensors found = gradient_of(with, wrt, weights);
  for (std::size_t w = 0; w < wrt.size(); ++w) {
    const Tensor gradient = to_row_major(found[w]);
    CHECK_EQ(gradient.type(), wrt[w].type());
    for (int64_t i = 0; i < wrt[w].size(); ++i) {
      const auto moved = [&](double by) {
        Tensors inputs = wrt;
        inputs[w] = apply1("copy", {wrt[w]});
        numbers(inputs[w])[i] += by;
        return weighted(floats_of(with(inputs)), weights);
      };
      const double numeric = (moved(step) - moved(-step)) / (2 * step), analytic = numbers(gradient)[i];
      const double size = std::fmax(1, std::fabs(numeric));
      const bool near = std::fabs(numeric - analytic) <= tolerance * size;
      check::report(near, __FILE__, __LINE__,
                    text(what, ": input ", w, " element ", i, ": rule ", analytic, ", differences ", numeric));
      if (!near) return;
    }
  }
}

Function function_of(const std::string& op, const Attrs& attrs) {
  return [op, attrs](const Tensors& in) { return apply(find_op(op), in, attrs); };
}

std::map<std::string, int>& tested() {
  static std::map<std::string, int> names;
  return names;
}

// First and second derivatives; the kernel against the definition where both exist.
void check_op(const std::string& name, const Tensors& at, const Attrs& attrs = {}, bool second = true) {
  ++tested()[name];
  try {
    const Op& op = find_op(name);
    const Function f = function_of(name, attrs);
    check_gradient(name, f, at);
    if (op.has_kernel() && op.compose) {
      const Tensors got = f(at), want = op.compose(at, op.complete(attrs));
      for (std::size_t o = 0; o < want.size(); ++o) {
        const Tensor a = to_row_major(got[o]), b = to_row_major(want[o]);
        for (int64_t i = 0; i < a.size() && a.dtype() == DType::F64; ++i) {
          const double difference = std::fabs(numbers(a)[i] - numbers(b)[i]);
          check::report(difference <= 1e-12 * std::fmax(1, std::fabs(numbers(b)[i])), __FILE__, __LINE__,
                        text(name, ": kernel ", numbers(a)[i], ", definition ", numbers(b)[i]));
        }
      }
    }
    if (!second) return;
    const Tensors weights = weights_for(floats_of(f(at)), 2000);
    check_gradient(
        "gradient of " + name,
        [&](const Tensors& in) {
          Tensors wrt = floats_of(in);
          // Inside, so that the tape of the outer gradient sees the rule's own calls.
          TapeScope on;
          WatchScope watch(wrt);
          return gradients(floats_of(f(in)), weights, wrt);
        },
        at, 1e-5, 2e-5);
  } catch (const std::exception& error) {
    check::report(false, __FILE__, __LINE__, name + ": " + error.what());
  }
}

void test_elementwise() {
  const Tensor x = random_tensor({3, 5}, 1), positive = random_tensor({3, 5}, 2, 0.3, 3);
  for (const char* op : {"negative", "abs", "exp", "expm1", "square", "sin", "cos", "tanh", "sigmoid", "erf", "relu",
                         "gelu_erf", "gelu_tanh", "silu", "log1p_exp", "leaky_relu", "elu", "copy", "guard"}) {
    check_op(op, {x});
  }
  for (const char* op : {"log", "log1p", "sqrt", "rsqrt", "reciprocal"}) check_op(op, {positive});
  check_op("gelu", {x}, {{"approximate", std::string("tanh")}});
  check_op("normal_quantile", {random_tensor({7}, 3, 0.05, 0.95)});
  for (const char* op : {"tanh_grad", "sigmoid_grad", "silu_grad", "gelu_erf_grad", "gelu_tanh_grad", "relu_grad"}) {
    check_op(op, {x, random_tensor({3, 5}, 4)});
  }
  const Tensor row = random_tensor({5}, 5), column = random_tensor({3, 1}, 6, 0.5, 2);
  for (const char* op : {"add", "subtract", "multiply", "divide", "maximum", "minimum"}) {
    check_op(op, {x, column});
    check_op(op, {row, column});
  }
  check_op("pow", {positive, random_tensor({5}, 7)});
  check_op("remainder", {x, column});
  check_op("mse_loss", {x, row});
  check_op("l1_loss", {x, row});
  check_op("huber_loss", {x, row});
  check_op("binary_cross_entropy_with_logits", {x, random_tensor({5}, 8, 0, 1)});
  check_op("clip", {x, random_tensor({5}, 9, -1, -0.5), Tensor::scalar(0.75, DType::F64)});
  const Tensor condition = apply1("less", {x, random_tensor({3, 5}, 10)});
  check_op("where", {condition, row, column});
  check_gradient("astype", [](const Tensors& in) { return Tensors{fn::cast(fn::square(in[0]), DType::F64)}; }, {x});
}

void test_views() {
  const Tensor x = random_tensor({3, 4, 5}, 20);
  check_op("reshape", {x}, {{"shape", Ints{5, -1}}});
  check_op("permute_dims", {x}, {{"axes", Ints{2, 0, 1}}});
  check_op("permute_dims", {x});
  check_op("broadcast_to", {random_tensor({4, 1}, 21)}, {{"shape", Ints{2, 4, 3}}});
  check_op("slice", {x}, {{"start", Ints{0, 3, 4}}, {"stop", Ints{2, -1, 0}}, {"step", Ints{1, -2, -3}}});
  check_op("slice", {x}, {{"start", Ints{0, 1, 4}}, {"stop", Ints{2, 1, 5}}});
  check_op("slice_scatter", {random_tensor({2, 2}, 22)},
           {{"shape", Ints{4, 5}}, {"start", Ints{3, 0}}, {"step", Ints{-2, 3}}, {"value", 1.5}});
  check_op("expand_dims", {x}, {{"axis", Ints{0, -1}}});
  check_op("squeeze", {random_tensor({1, 3, 1}, 23)});
  check_op("flip", {x}, {{"axis", Ints{1}}});
  check_op("split", {x}, {{"parts", int64_t{2}}, {"axis", int64_t{1}}});
  check_op("pad", {x}, {{"before", Ints{1, 0, 2}}, {"after", Ints{0, 3, 1}}, {"value", 2.0}});
  check_op("concat", {x, random_tensor({3, 1, 5}, 24), random_tensor({3, 0, 5}, 25)}, {{"axis", int64_t{1}}});
  check_op("stack", {x, x + x}, {{"axis", int64_t{-1}}});
  check_op("flat_view", {random_tensor({17}, 26)}, {{"offset", int64_t{5}}, {"shape", Ints{3, 4}}});
  check_op("update_flat_view", {random_tensor({17}, 27), random_tensor({3, 2}, 28)}, {{"offset", int64_t{5}}});
  check_op("pack",
           {random_tensor({2, 3}, 29), random_tensor({0}, 30), fn::transpose(random_tensor({2, 3}, 31), {1, 0})},
           {{"offsets", Ints{1, 8, 9}}, {"size", int64_t{20}}});
}

void test_reductions() {
  const Tensor x = random_tensor({3, 4, 5}, 40);
  for (const char* op : {"sum", "mean", "max", "min", "var", "logsumexp"}) {
    check_op(op, {x});
    check_op(op, {x}, {{"axis", Ints{-1}}, {"keepdims", true}});
    check_op(op, {x}, {{"axis", Ints{0, 2}}});
    check_op(op, {x}, {{"axis", Ints{1}}});
  }
  for (int64_t axis : {-1, 0}) {
    check_op("softmax", {x}, {{"axis", axis}});
    check_op("log_softmax", {x}, {{"axis", axis}});
  }
  check_op("layer_norm", {x, random_tensor({5}, 41), random_tensor({5}, 42)});
  check_op("rms_norm", {x, random_tensor({5}, 43)});
  check_op("batch_norm", {x, random_tensor({5}, 44), random_tensor({5}, 45)});
  check_op("cross_entropy", {x, integers({3, 4}, {0, 1, 2, 3, 4, -1, 0, 1, 2, 3, 4, -5})});
}

void test_products() {
  const auto shapes = std::vector<std::pair<Shape, Shape>>{{{3, 4}, {4, 2}},    {{4}, {4}},
                                                           {{4}, {4, 3}},       {{3, 4}, {4}},
                                                           {{2, 3, 4}, {4, 5}}, {{2, 3, 4}, {2, 4, 5}},
                                                           {{3, 4}, {2, 4, 5}}, {{2, 1, 3, 4}, {1, 2, 4, 2}},
                                                           {{4}, {2, 4, 3}},    {{2, 3, 4}, {4}}};
  for (const auto& [a, b] : shapes) check_op("matmul", {random_tensor(a, 50), random_tensor(b, 51)});
  check_op("linear", {random_tensor({2, 3, 4}, 52), random_tensor({4, 5}, 53), random_tensor({5}, 54)});
  const Tensor image = random_tensor({2, 6, 5, 4}, 55), w = random_tensor({3, 2, 2, 6}, 56), b = random_tensor({6}, 57);
  check_op("conv2d", {image, w, b}, {{"groups", int64_t{2}}, {"padding", Ints{1, 0}}, {"stride", Ints{2, 1}}});
  check_op("conv2d", {image, random_tensor({2, 2, 4, 3}, 58), random_tensor({3}, 59)}, {{"dilation", Ints{2}}});
  check_op("conv2d_kernel", {image, random_tensor({1, 1, 4, 3}, 58)}, {{"stride", Ints{2}}});
  const Attrs windows = {{"kernel_size", Ints{3, 2}}, {"stride", Ints{2}}, {"padding", Ints{1, 0}}};
  check_op("max_pool2d", {image}, windows);
  check_op("avg_pool2d", {image}, windows);
  check_op("avg_pool2d", {image}, {{"kernel_size", Ints{2}}, {"padding", Ints{1}}, {"count_include_pad", false}});
}

void test_recurrence() {
  check_op("lstm",
           {random_tensor({2, 3, 4}, 60), random_tensor({2, 5}, 61), random_tensor({2, 5}, 62),
            random_tensor({4, 20}, 63), random_tensor({5, 20}, 64), random_tensor({20}, 65), random_tensor({20}, 66)},
           {}, false);
}

void test_indices() {
  const Tensor x = random_tensor({4, 3, 5}, 70), index = integers({2, 2}, {2, -1, 0, 2});
  for (int64_t axis : {0, 1, 2}) check_op("take", {x, index}, {{"axis", axis}});
  check_op("scatter_add", {index, random_tensor({3, 2, 2, 5}, 71)}, {{"axis", int64_t{1}}, {"size", int64_t{4}}});
  check_op("take_along_axis", {x, integers({4, 1, 1}, {0, 2, 1, -3})}, {{"axis", int64_t{1}}});
  check_op("put_along_axis", {integers({2, 2}, {0, 2, 1, 1}), random_tensor({2, 2}, 72)}, {{"size", int64_t{3}}});
  check_op("embedding", {integers({3}, {1, 1, 0}), random_tensor({2, 4}, 73)});
}

void test_attention() {
  const Tensor q = random_tensor({2, 3, 4, 2}, 80), k = random_tensor({2, 5, 2, 2}, 81),
               v = random_tensor({2, 5, 2, 2}, 82);
  check_op("attention", {q, k, v}, {{"is_causal", true}});
  check_op("scaled_dot_product_attention", {q, k, v}, {{"scale", 0.7}});
}

}  // namespace
}  // namespace pt

int main() {
  using namespace pt;
  test_elementwise();
  test_views();
  test_reductions();
  test_products();
  test_indices();
  test_recurrence();
  test_attention();
  return check::finish();
}
