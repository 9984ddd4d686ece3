// The traces of one compiled function: a bounded cache of programs, one per signature of inputs.
#pragma once
#include <atomic>
#include <deque>
#include <functional>

#include "graph/trace.h"
#include "program/program.h"

namespace pt {

// A step that somebody else runs.
class ForeignStep {
 public:
  virtual ~ForeignStep() = default;
  virtual Tensors run(const Tensors& inputs, RunReport* report) = 0;
  virtual const Graph& source() const = 0;  // as it was traced
  virtual const Graph& graph() const = 0;   // as it was given away
  virtual bool moved() const = 0;           // whether a slot became a view since the trace, which must be traced again
};

// What a trace took from its surroundings as it was; its program is of use as long as that is so.
class Facts {
 public:
  virtual ~Facts() = default;
  virtual bool hold() = 0;
  virtual std::string changed() = 0;  // one that does not hold, in words
};
// Counts changes that facts may be about: programs look at theirs again only where it has moved.
std::atomic<uint64_t>& facts_epoch();

struct CompileOptions {
  PassOptions passes;
  // Makes the step of a traced graph, in place of a program.
  std::function<std::unique_ptr<ForeignStep>(Graph)> backend = nullptr;
  bool skips = false;  // a guard that trips leaves its phase out, in place of an error
  int limit = 16;      // programs kept; the one that was used longest ago goes first
};

// What makes calls alike: types of the tensors, whatever else the caller froze into the trace, and what plans depend
// on.
struct Signature {
  Types types;
  std::string frozen;
  PlanContext context;  // of where the arguments are
  bool placed = false;  // on a device; else a step goes where its slots are
  friend bool operator==(const Signature&, const Signature&) = default;
};

class CompiledStep {
 public:
  explicit CompiledStep(CompileOptions options) : options_(std::move(options)), arena_(std::make_shared<Arena>()) {}

  struct Entry {
    Signature signature;
    std::unique_ptr<Program> program;      // or, with a backend,
    std::unique_ptr<ForeignStep> foreign;  // this
    std::shared_ptr<Facts> facts;          // may be null
    std::shared_ptr<void> extra;           // how the caller puts the results back together
    double trace_seconds = 0;

    const Graph& source() const { return foreign ? foreign->source() : program->source(); }
    // A slot that an optimizer made later has taken out of the memory that this is about, or null.
    SlotRef moved() const;
    bool holds() const { return !moved() && (!facts || facts->hold()); }
    bool in_place() const;                             // whether the slots lie where the program runs
    mutable uint64_t homes_seen = 0, places_seen = 0;  // the versions of homes for which nothing has moved
  };

  // Entries are shared: one that leaves the cache while another thread runs it lives until that run is done. The cache
  // itself is only touched by the thread that holds the interpreter's lock, where there is one.
  using EntryRef = std::shared_ptr<Entry>;

  // The program for a signature whose facts hold, or null. A trace that was planned for other threads is planned again,
  // not traced.
  EntryRef find(const Signature& signature);
  // Traces `body`, which is given the symbolic inputs, fills in `extra` and `facts` and returns the results. An
  // exception leaves no trace behind. Null if another thread has laid slots out meanwhile: it is to be traced again.
  EntryRef trace(const Signature& signature, const std::function<Tensors(const Tensors&)>& body,
                 std::shared_ptr<void> extra, std::shared_ptr<Facts> facts);
  // Why the last trace was needed, in words; empty for the first one.
  std::string retrace_cause(const Signature& signature) const;
  const std::deque<EntryRef>& entries() const { return entries_; }
  int traces() const { return traces_; }
  const CompileOptions& options() const { return options_; }

 private:
  // Where a step runs: on the device of its arguments or of its slots. Throws where these are two.
  PlanContext context_for(const Graph& source, const Signature& signature) const;
  EntryRef plan_again(const Signature& signature);
  EntryRef add(EntryRef entry);

  CompileOptions options_;
  std::shared_ptr<Arena> arena_;
  std::deque<EntryRef> entries_;  // the last used one first
  int traces_ = 0;
};

}  // namespace pt
