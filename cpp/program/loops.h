// The instructions of control flow: calls of programs, in a loop or as one of two. Where a program finds its operands
// follows from the number of the round alone, so that a device may be given all rounds of a loop of known length
// without being asked for anything; a loop with a condition, and a branch, read one bool in between.
#pragma once
#include <optional>
#include <vector>

#include "core/control_flow.h"
#include "core/launch.h"
#include "program/program.h"

namespace pt {

// An address inside of an operand of the instruction.
struct Address {
  int operand = 0;
  int64_t offset = 0;     // bytes
  int64_t per_round = 0;  // bytes added with each round: the rows of what is stacked
  int64_t per_turn = 0;   // bytes added in odd rounds: two states that take turns

  char* in_round(char* const* data, int64_t round) const {
    return data[operand] + offset + round * per_round + round % 2 * per_turn;
  }
};

// A program, which lives as long as the op whose part it is, and where it finds its operands. A state is the loop's to
// place: it stands among the inputs from `state_at` on, and in front of the results.
struct Call {
  Program* program = nullptr;
  std::vector<Address> inputs, results;
  std::size_t state_at = 0;
  Address workspace;
};

// One tensor of a loop's state: where it is before the first round, before any other, and behind the last.
struct Carried {
  Address first, between, last;
  LaunchPlan copy;                 // from row-major to row-major memory; no launch for an empty tensor
  std::vector<Instruction> moves;  // its launches
};

class Loop final : public ControlFlow {
 public:
  Call step;
  int64_t rounds = 0;             // without a condition
  std::optional<Call> condition;  // its result is `flag`
  Address flag;
  std::vector<Carried> state;
  bool keeps = false;  // the state before the first round too is put where it is between rounds

  std::string_view kind() const override { return "loop"; }
  bool any_parallel() const override;
  bool reads_flags() const override;
  void run(Run& run, char* const* data) const override;
};

// Its programs have neither state nor rounds.
class Branch final : public ControlFlow {
 public:
  Address which;
  Call yes, no;

  std::string_view kind() const override { return "branch"; }
  bool any_parallel() const override { return yes.program->any_parallel() || no.program->any_parallel(); }
  bool reads_flags() const override { return true; }
  void run(Run& run, char* const* data) const override;
};

// A tensor of a state of that type.
Carried carried(const TensorType& type, const Address& first, const Address& between, const Address& last,
                const PlanContext& context);

// A plan of one such instruction.
LaunchPlan plan_control(std::shared_ptr<const ControlFlow> control, double flops, int64_t workspace_bytes);

}  // namespace pt
