#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/lstm_recurrence/definition.h"

namespace pt::lstm {
namespace {

Tensor part(const Tensor& x, int axis, int64_t begin, int64_t end) {
  Ints start(static_cast<std::size_t>(x.ndim()), 0), stop = to_ints(x.shape());
  start[static_cast<std::size_t>(axis)] = begin;
  stop[static_cast<std::size_t>(axis)] = end;
  return fn::call("slice", {x}, {{"start", start}, {"stop", stop}});
}

// Step t of [b, t, n] as [b, n], and such steps as a sequence again.
Tensor step(const Tensor& x, int64_t t) { return fn::reshape(part(x, 1, t, t + 1), {x.shape()[0], x.shape()[2]}); }
Tensor sequence(const Tensors& steps) {
  Tensors all;
  for (const Tensor& x : steps) all.push_back(fn::reshape(x, {x.shape()[0], 1, x.shape()[1]}));
  return fn::call("concat", all, {{"axis", int64_t{1}}});
}

struct Gates {
  Tensor input, forget, candidate, output;
};
Gates gates_of(const Tensor& x) {
  const int64_t width = x.shape()[1] / 4;
  const auto gate = [&](int64_t which) { return part(x, 1, which * width, (which + 1) * width); };
  return {gate(0), gate(1), gate(2), gate(3)};
}
Tensor beside(const Gates& g) {
  return fn::call("concat", {g.input, g.forget, g.candidate, g.output}, {{"axis", int64_t{1}}});
}

// The slopes of the squashing functions, from their results.
Tensor through_sigmoid(const Tensor& y, const Tensor& g) { return g * (y * (1.0 - y)); }
Tensor through_tanh(const Tensor& y, const Tensor& g) { return g * (1.0 - y * y); }

}  // namespace

Tensor steps_of(const Tensor& x, int64_t begin, int64_t end) { return part(x, 1, begin, end); }

Tensors definition(const Tensors& in, const Attrs&) {
  const Tensor &xw = in[0], &w_hh = in[1];
  Tensor hidden = in[2], cell = in[3];
  Tensors hiddens, cells, gates;
  for (int64_t t = 0; t < xw.shape()[1]; ++t) {
    const Gates sums = gates_of(step(xw, t) + fn::matmul(hidden, w_hh));
    const auto sigmoid = [](const Tensor& x) { return fn::call("sigmoid", {x}); };
    const Gates g{sigmoid(sums.input), sigmoid(sums.forget), fn::call("tanh", {sums.candidate}), sigmoid(sums.output)};
    cell = g.forget * cell + g.input * g.candidate;
    hidden = g.output * fn::call("tanh", {cell});
    hiddens.push_back(hidden);
    cells.push_back(cell);
    gates.push_back(beside(g));
  }
  return {sequence(hiddens), sequence(cells), sequence(gates)};
}

Tensors backward_definition(const Tensors& in, const Attrs&) {
  const Tensor weights = fn::transpose(in[0], {1, 0});
  const Tensor &first_cell = in[1], &cells = in[2], &gates = in[3];
  const int64_t steps = cells.shape()[1];
  Tensors dxw(static_cast<std::size_t>(steps));
  Tensor dh = fn::zeros(first_cell.type()), dc = dh;
  for (int64_t t = steps - 1; t >= 0; --t) {
    const Gates g = gates_of(step(gates, t));
    const Tensor before = t ? step(cells, t - 1) : first_cell, squashed = fn::call("tanh", {step(cells, t)});
    const Tensor hidden = step(in[4], t) + dh;
    const Tensor cell = (step(in[5], t) + dc) + through_tanh(squashed, hidden * g.output);
    Gates d{cell * g.candidate, cell * before, cell * g.input, hidden * squashed};
    if (in.size() > 6) {
      const Gates more = gates_of(step(in[6], t));
      d = {d.input + more.input, d.forget + more.forget, d.candidate + more.candidate, d.output + more.output};
    }
    const Tensor sums = beside({through_sigmoid(g.input, d.input), through_sigmoid(g.forget, d.forget),
                                through_tanh(g.candidate, d.candidate), through_sigmoid(g.output, d.output)});
    dh = fn::matmul(sums, weights);
    dc = cell * g.forget;
    dxw[static_cast<std::size_t>(t)] = sums;
  }
  return {sequence(dxw), dh, dc};
}

}  // namespace pt::lstm
