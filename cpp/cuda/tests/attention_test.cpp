// Attention and its gradient on the simulator. Scores are products of `size` terms, weights their exponentials, and
// results sums over keys: with normal operands both sides differ by a few eps times the square root of the terms.
#include "cuda/tests/check_plan.h"
#include "ops/attention/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;
using namespace pt::check;

struct Case {
  int64_t batch, queries, keys, heads, kv_heads, size;
  bool causal = false;
  bool scaled = false;
};

CheckOptions near(DType type) {
  CheckOptions options;
  options.k = type == DType::F16 || type == DType::BF16 ? 8 : 64;
  options.magnitude = 1;
  options.orders = 1;
  options.capabilities = {90};  // the plan is the same for all
  return options;
}

// Neighbours in memory are heads of one time step, as in a buffer of q, k and v.
struct Inputs {
  Array q, k, v, g;
};

char* first_of(const Array& array) { return const_cast<char*>(array.memory().data() + array.first()); }

// out and the log-sum-exp, as the CPU has them.
std::vector<Array> forward(const Inputs& in, const Attrs& attrs) {
  const Operand& q = in.q.operand();
  const Shape& s = q.shape;
  std::vector<Array> made = {Array(q.dtype, s), Array(compute_dtype(q.dtype), {s[0], s[2], s[1]})};
  const LaunchPlan plan = plan_attention(q, in.k.operand(), in.v.operand(), made[0].operand(), made[1].operand(),
                                         attrs.flag("is_causal"), attention::scale_of(attrs, s));
  run_plan(plan, {first_of(in.q), first_of(in.k), first_of(in.v), first_of(made[0]), first_of(made[1])});
  return made;
}

void attend(const Case& c, DType type, const Inputs& in) {
  Attrs attrs{{"is_causal", c.causal}, {"scale", std::monostate()}};
  if (c.scaled) attrs.set("scale", 0.3);
  check_op("attention", {in.q, in.k, in.v}, attrs, near(type));
  // The gradient takes what the forward gave: of numbers that are only like it, weights are no weights.
  const std::vector<Array> results = forward(in, attrs);
  check_op("attention_backward", {in.q, in.k, in.v, results[0], results[1], in.g}, attrs, near(type));
}

Inputs inputs(const Case& c, DType type) {
  return {
      normal(type, {c.batch, c.queries, c.heads, c.size}, 1), normal(type, {c.batch, c.keys, c.kv_heads, c.size}, 2),
      normal(type, {c.batch, c.keys, c.kv_heads, c.size}, 3), normal(type, {c.batch, c.queries, c.heads, c.size}, 4)};
}

}  // namespace

int main() {
  const Case cases[] = {
      {1, 1, 1, 1, 1, 1},
      {2, 5, 7, 3, 3, 4},
      {1, 65, 130, 2, 1, 16},
      {1, 70, 70, 2, 1, 8, true},          // grouped heads, on the diagonal
      {1, 33, 100, 2, 1, 20, true, true},  // queries that begin behind keys
      {1, 100, 40, 1, 1, 5, true},         // and some that see none
      {1, 9, 70, 2, 1, 72},                // elements in more than one part, or in a wide one
      {1, 66, 67, 1, 1, 130, true},
      {0, 5, 5, 2, 2, 4},
      {1, 0, 5, 2, 2, 4},
      {1, 5, 0, 2, 2, 4},
  };
  for (const Case& c : cases) {
    for (DType type : {DType::F32, DType::F64}) attend(c, type, inputs(c, type));
  }
  const Case half_cases[] = {
      cases[1],
      cases[4],
      cases[7],  // too wide for matrix instructions
      cases[9],
      cases[10],
      {1, 1, 1, 1, 1, 8},
      {1, 200, 70, 2, 1, 64},  // several blocks of rows and steps of each side, 16 bytes at once
      {1, 150, 150, 2, 1, 64, true},
      {1, 140, 90, 1, 1, 64, true},  // whole blocks that see nothing
      {2, 40, 170, 4, 2, 32, true, true},
      {1, 100, 100, 2, 2, 128, true},
      {1, 70, 66, 1, 1, 72},
      {1, 66, 67, 1, 1, 127, true},
  };
  for (const Case& c : half_cases) {
    for (DType type : {DType::BF16, DType::F16}) attend(c, type, inputs(c, type));
  }
  std::mt19937 random(5);
  for (int turn = 0; turn < 2; ++turn) {
    const Case c{2, 20, 70, 2, 1, 12, turn % 2 == 0};
    for (DType type : {DType::F32, DType::BF16}) {
      const Inputs in = inputs(c, type);
      attend(c, type,
             {in.q.laid_out_at_random(random), in.k.laid_out_at_random(random), in.v.laid_out_at_random(random),
              in.g.laid_out_at_random(random)});
    }
  }
  const Case c{2, 70, 70, 2, 2, 64, true};
  const Inputs in = inputs(c, DType::BF16);  // heads outermost, and elements still neighbours
  const std::vector<int> order = {2, 0, 1, 3};
  attend(c, DType::BF16, {in.q.laid_out(order), in.k.laid_out(order), in.v.laid_out(order), in.g.laid_out(order)});
  return pt::check::finish();
}
