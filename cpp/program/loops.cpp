#include "program/loops.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "core/error.h"
#include "core/interpreter.h"
#include "ops/target.h"

namespace pt {
namespace {

// No exception leaves a run in the middle: the status word says what went wrong, so that nothing of the phase is
// committed.
template <class Body>
void contained(Run& run, Body body) {
  try {
    body();
  } catch (const std::bad_alloc&) {
    run.raise(kStatusNoMemory);
  } catch (const OutOfMemoryError&) {
    run.raise(kStatusNoMemory);
  }
}

// Whether a loop must end here: after an index out of range, say, nothing that follows means anything; and now and then
// the user is asked, so that a long loop can be interrupted.
class LoopEnd {
 public:
  explicit LoopEnd(Run& run) : run_(run) {}

  bool reached() {
    // A number that is not finite ends no loop: the phase may be one that is left out, while results are returned.
    if (run_.status_so_far() & ~kStatusNonFinite) return true;
    if (!stop_.now()) return false;
    run_.raise(kStatusInterrupted);
    return true;
  }

 private:
  Run& run_;
  StopWanted stop_;
};

// Calls of programs at the addresses of one run. Holds them as long as it lives.
class Caller {
 public:
  Caller(Run& run, char* const* data) : run_(run), data_(data) {}

  void hold(const Call& call) { holds_.push_back(call.program->hold()); }

  void run(const Call& call, int64_t round, const std::vector<char*>& state, const std::vector<char*>& next) {
    in_.clear();
    for (const Address& input : call.inputs) in_.push_back(at(input, round));
    in_.insert(in_.begin() + static_cast<std::ptrdiff_t>(call.state_at), state.begin(), state.end());
    out_ = next;
    for (const Address& result : call.results) out_.push_back(at(result, round));
    call.program->run_at(run_, in_, out_, at(call.workspace, round));
  }

  char* at(const Address& address, int64_t round) const { return address.in_round(data_, round); }

 private:
  Run& run_;
  char* const* data_;
  std::vector<std::unique_lock<Lock>> holds_;
  std::vector<char*> in_, out_;
};

// A run of a loop.
class Rounds {
 public:
  Rounds(const Loop& loop, Run& run, char* const* data)
      : loop_(loop), run_(run), caller_(run, data), now_(loop.state.size()), next_(loop.state.size()) {
    if (loop.condition) caller_.hold(*loop.condition);
    caller_.hold(loop.step);
  }

  void run() {
    for (std::size_t i = 0; i < now_.size(); ++i) now_[i] = caller_.at(loop_.state[i].first, 0);
    if (loop_.keeps && loop_.rounds > 0) move([&](const Carried& s) { return caller_.at(s.between, 0); });
    LoopEnd end(run_);
    int64_t round = 0;
    for (; goes_on(round) && !end.reached(); ++round) {
      for (std::size_t i = 0; i < next_.size(); ++i) next_[i] = behind(loop_.state[i], round);
      caller_.run(loop_.step, round, now_, next_);
      now_.swap(next_);
    }
    // The last round of a known number wrote where the state stays.
    if (loop_.condition || loop_.rounds == 0) move([&](const Carried& s) { return caller_.at(s.last, 0); });
  }

 private:
  bool goes_on(int64_t round) {
    if (!loop_.condition) return round < loop_.rounds;
    caller_.run(*loop_.condition, round, now_, {});
    return run_.flag(caller_.at(loop_.flag, round));
  }

  char* behind(const Carried& s, int64_t round) const {
    return !loop_.condition && round + 1 == loop_.rounds ? caller_.at(s.last, 0) : caller_.at(s.between, round + 1);
  }

  template <class To>
  void move(To to) {
    for (std::size_t i = 0; i < now_.size(); ++i) {
      char* const operands[] = {now_[i], to(loop_.state[i])};
      for (const Instruction& move : loop_.state[i].moves) run_.launch(move, operands);
      now_[i] = operands[1];
    }
  }

  const Loop& loop_;
  Run& run_;
  Caller caller_;
  std::vector<char*> now_, next_;  // addresses of the state
};

}  // namespace

bool Loop::any_parallel() const {
  const auto parallel = [](const Instruction& move) { return move.parallel; };
  return step.program->any_parallel() || (condition && condition->program->any_parallel()) ||
         std::any_of(state.begin(), state.end(),
                     [&](const Carried& s) { return std::any_of(s.moves.begin(), s.moves.end(), parallel); });
}

bool Loop::reads_flags() const { return condition || step.program->reads_flags(); }

void Loop::run(Run& run, char* const* data) const {
  contained(run, [&] { Rounds(*this, run, data).run(); });
}

void Branch::run(Run& run, char* const* data) const {
  contained(run, [&] {
    Caller caller(run, data);
    const Call& chosen = run.flag(caller.at(which, 0)) ? yes : no;
    caller.hold(chosen);
    caller.run(chosen, 0, {}, {});
  });
}

Carried carried(const TensorType& type, const Address& first, const Address& between, const Address& last,
                const PlanContext& context) {
  Carried made{first, between, last, {}, {}};
  if (count(type.shape) == 0) return made;
  const Operand operand{type.dtype, type.shape, row_major(type.shape)};
  made.copy = context.target->plan_copy(operand, operand, context);
  for (const Launch& launch : made.copy.launches) {
    made.moves.push_back(context.target->bind(launch, context));
    made.moves.back().operand_count = 2;
  }
  return made;
}

LaunchPlan plan_control(std::shared_ptr<const ControlFlow> control, double flops, int64_t workspace_bytes) {
  Launch launch;
  launch.control = std::move(control);
  launch.flops = flops;
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  plan.workspace_bytes = workspace_bytes;
  return plan;
}

}  // namespace pt
