// The spec of an op: everything that the rest of the engine knows about it, whatever device runs it. Eager calls,
// traced calls, gradients, the Python function, its documentation, the tests and the benchmarks all read this one
// object.
#pragma once
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/attrs.h"
#include "core/error.h"
#include "core/launch.h"
#include "core/tensor.h"

namespace pt {

struct FusedProgram;     // of the fused machine, ops/fused/machine.h
struct ExternalFormula;  // ops/fused/desc.h
struct OpPlan;           // how a target runs an op, ops/target.h
inline constexpr std::size_t kMostTargets = 8;
enum class StepKind;  // ops/fused/machine.h

using Tensors = std::vector<Tensor>;
using Types = std::vector<TensorType>;

// Which dtypes an input may have.
enum class Takes { Any, Number, Float, Integer, Bits, Bool };  // Bits: integers and bool

struct InputSpec {
  std::string name;
  Takes takes = Takes::Any;
  bool optional = false;  // may be left out (None)
  bool list = false;      // one or more tensors: only the first input of an op may be a list
  bool promoted = true;   // takes part in the promotion of the inputs to one dtype
};

enum class AttrKind { Bool, Int, Number, String, Ints, DType };

struct AttrSpec {
  std::string name;
  AttrKind kind;
  Attr preset;  // the default
  bool required = false;
  bool nullable = false;                          // None is allowed
  std::function<std::string(const Attr&)> check;  // empty text means fine, else what was expected
};

struct InferContext {
  const Op& op;
  std::span<const TensorType> in;  // a left-out optional input has dtype Bool and is not in `given`
  std::span<const bool> given;
  const Attrs& attrs;
  [[noreturn]] void fail(const std::string& message) const;  // "[op] message" as a ShapeError
  void expect(bool ok, const std::string& message) const {
    if (!ok) fail(message);
  }
};

struct VjpContext {
  std::span<const Tensor> in;    // undefined where the spec does not save the input
  std::span<const Tensor> out;   // undefined where the spec does not save the output
  std::span<const Tensor> grad;  // one per output; undefined means zero
  std::span<const bool> needs;   // which inputs' gradients are wanted
  std::span<const TensorType> in_types;
  std::span<const TensorType> out_types;
  const Attrs& attrs;
};

// The input whose numbers are places along an axis, and how many places that has.
struct Indexed {
  int input;
  int64_t size;
};

// How a view op sees its input: same memory, other shape, strides and offset (in elements, relative to the input's).
struct View {
  Shape shape;
  Strides strides;
  int64_t offset = 0;
};

// A call that is made for each row: inputs that are `batched` have a first axis of rows, the others are shared.
struct BatchContext {
  const Op& op;
  std::span<const Tensor> in;  // undefined where an optional input was left out
  std::span<const bool> batched;
  int64_t rows;
  const Types& types;  // the outputs' of one row
  const Attrs& attrs;  // for one row
};

using InferFn = std::function<Types(const InferContext&)>;
using IndexesFn = std::function<Indexed(std::span<const TensorType> in, const Attrs&)>;
using VjpFn = std::function<Tensors(const VjpContext&)>;      // one per input; undefined where not needed
using BatchFn = std::function<Tensors(const BatchContext&)>;  // outputs with a first axis of rows
using ComposeFn = std::function<Tensors(const Tensors&, const Attrs&)>;
// An elementwise formula that is not in math.h but a plugin's function, for elements of this register dtype.
using FormulaFn = std::function<const ExternalFormula*(const Attrs&, DType)>;
// nullopt when these strides admit no view, so that the input is copied first.
using ViewFn = std::function<std::optional<View>(const Operand& in, const Attrs&)>;

// Where each input of an op that joins them lies in its row-major result; the pieces do not overlap. Each launch that
// copies an input names it as its first operand, so that it can be left out where the input was made in its place.
using PiecesFn = std::function<std::vector<View>(std::span<const TensorType> in, const TensorType& out, const Attrs&)>;

// What a rule reads of a recorded call.
struct Saves {
  std::vector<bool> inputs;   // empty means all
  std::vector<bool> outputs;  // empty means none
};

inline constexpr int kVarying = 0;  // as many outputs as the shape rule says; Python always gets a tuple

class Op {
 public:
  std::string name;
  std::vector<InputSpec> inputs;
  std::vector<AttrSpec> attrs;
  int outputs = 1;
  InferFn infer;
  VjpFn vjp;
  bool no_gradient = false;  // a derivative is zero or does not exist: gradients stop here, silently
  ComposeFn compose;
  ComposeFn complex_rule;  // its definition for complex inputs, or a complex result, by their parts: ops/complex.h
  // How each target runs it, by the target's number: ask the target (ops/target.h). Kept here, so that a call looks
  // nothing up.
  std::array<const OpPlan*, kMostTargets> plans{};
  ViewFn view;
  BatchFn batch;  // without one, a call for each row is made
  FormulaFn formula;
  std::function<std::string()> failure;  // of a plugin's kernel: what its last failing call said
  Saves saves;
  PiecesFn joins_pieces;
  ComposeFn portable;  // for backends: the same by ops that know nothing of the engine's memory or its tape
  std::optional<StepKind> reduces_rows;  // by this step, along the attribute "axis", with "keepdims"
  IndexesFn indexes;                     // of an op that reads or writes by index: one out of range is an error
  bool may_fail = false;                 // its kernel has errors of its own
  bool passes_through = false;           // its result is its first input, which its kernel looks at
  bool takes_complex = false;            // its kernel or its definition takes complex numbers; a view takes all dtypes
  bool promotes = true;                  // inputs are cast to one dtype first
  bool integer_to_float = false;         // integer inputs are computed in float32
  bool elementwise = false;              // a formula, in math.h or a plugin's: one step of the fused machine
  double cost_ns = 0.08;                 // of an elementwise formula, for one element of float32 on one thread
  bool casts = false;                    // its result is its input in another dtype, or the same
  bool draws = false;                    // a random number for each element, a step of the fused machine
  bool runs_parts = false;               // a loop or a branch: its instruction runs programs
  bool random = false;                   // takes a generator's state; each call of a trace is another call
  bool contiguous = false;               // its kernel wants row-major inputs
  bool any_strides = false;              // its kernel writes outputs of any strides
  bool guard = false;                    // ends a phase
  bool reads_slot = false;               // a view not of its input, but of the slot with the number "slot"
  bool rewrites = false;                 // its kernel finds the first input in its output, and changes some of it
  bool sweeps = false;                   // reads an element of each input before it writes the same one of its outputs
  std::string doc;                       // the first line, then sections as docs say
  std::string example;

  // Whether a trace keeps calls of it whole, also where it has a definition: some target has a kernel for it.
  bool has_kernel() const {
    return elementwise || std::any_of(plans.begin(), plans.end(), [](const OpPlan* plan) { return plan != nullptr; });
  }
  // Errors are effects: a call that may raise one stays, though nobody reads its results.
  bool has_effect() const { return guard || indexes || may_fail; }
  int input_count() const { return static_cast<int>(inputs.size()); }
  bool differentiable() const { return vjp != nullptr || (compose != nullptr && !no_gradient); }
  Attrs complete(const Attrs& given) const;  // defaults filled in, kinds and values checked; throws
};

// Builds a spec; the last call of a definition converts it to an Op that the registry owns.
class OpBuilder {
 public:
  explicit OpBuilder(std::string name);
  OpBuilder& in(std::string name, Takes takes = Takes::Any);
  OpBuilder& in_optional(std::string name, Takes takes = Takes::Any);
  OpBuilder& in_list(std::string name, Takes takes = Takes::Any);
  OpBuilder& in_index(std::string name);  // integers, outside the promotion
  OpBuilder& in_mask(std::string name);   // bool, outside the promotion
  OpBuilder& attr(std::string name, bool preset);
  OpBuilder& attr(std::string name, int preset);
  OpBuilder& attr(std::string name, double preset, std::function<std::string(const Attr&)> check = nullptr);
  OpBuilder& attr(std::string name, const char* preset, std::vector<std::string> choices);
  OpBuilder& attr_ints(std::string name, std::optional<Ints> preset = std::nullopt, bool nullable = false);
  // A shape that is asked for: sizes of at least 0.
  OpBuilder& attr_shape(std::string name);
  // Counts of places along axes, such as windows, strides and paddings. Products of two fit into 64 bits.
  OpBuilder& attr_counts(std::string name, int64_t least, std::optional<Ints> preset = std::nullopt,
                         bool nullable = false);
  OpBuilder& attr_count(std::string name, int64_t least, std::optional<int64_t> preset = std::nullopt);
  OpBuilder& attr_required(std::string name, AttrKind kind);
  OpBuilder& attr_nullable(std::string name, AttrKind kind, std::function<std::string(const Attr&)> check = nullptr);
  OpBuilder& outputs(int n);
  OpBuilder& shape(InferFn fn);
  OpBuilder& vjp(VjpFn fn);
  OpBuilder& no_gradient();
  OpBuilder& compose(ComposeFn fn);
  OpBuilder& complex(ComposeFn fn = nullptr);  // takes complex numbers too; fn: by this definition
  OpBuilder& view(ViewFn fn);
  OpBuilder& batch(BatchFn fn);  // see ops/batching.h; elementwise ops have one
  OpBuilder& saves(std::vector<bool> inputs, std::vector<bool> outputs = {});
  OpBuilder& elementwise();    // shape by broadcasting, kernel from math.h; result dtype as the inputs'
  OpBuilder& cost(double ns);  // of a formula that is no single instruction or two, per element of float32
  OpBuilder& predicate();      // elementwise with a bool result
  OpBuilder& no_promotion();
  OpBuilder& floats();  // integer inputs are computed in float32
  OpBuilder& random();
  OpBuilder& contiguous();
  OpBuilder& rewrites();
  OpBuilder& joins_pieces(PiecesFn fn);
  OpBuilder& portable(ComposeFn fn);
  OpBuilder& same_elsewhere();  // portable: its input, as it is
  OpBuilder& reduces_rows(StepKind step);
  OpBuilder& casts();
  OpBuilder& draws();        // random, too
  OpBuilder& sweeps();       // an output may be the memory of an input
  OpBuilder& any_strides();  // an output may be part of another's memory
  OpBuilder& indexes(IndexesFn fn);
  OpBuilder& may_fail();
  OpBuilder& passes_through();
  OpBuilder& guards();  // passes through, too
  OpBuilder& reads_slot();
  OpBuilder& doc(std::string text, std::string example = "");
  operator const Op*();  // registers

 private:
  Op op_;
  AttrSpec& add(std::string name, AttrKind kind);
};
inline OpBuilder define(std::string name) { return OpBuilder(std::move(name)); }

// Checks for attr().
std::string positive(const Attr& value);
std::string non_negative(const Attr& value);
std::string fraction(const Attr& value);  // 0 <= value < 1

const Op& find_op(std::string_view name);  // throws for an unknown name
const Op* find_op_or_null(std::string_view name);
Op* registered_op(std::string_view name);  // to be completed while the library loads
std::vector<const Op*> all_ops();          // by name

// The one way to call an op: checks, infers, then runs the kernel or adds a node to the trace.
Tensors apply(const Op& op, Tensors inputs, const Attrs& attrs = {});
Tensor apply1(std::string_view op, Tensors inputs, const Attrs& attrs = {});

}  // namespace pt
