// Eager calls that were made before with inputs of the same types and strides. What `apply` finds out about a call
// depends on these, on the attributes and on the target alone: it is kept, and the next call goes straight to its view,
// its kernel, or the program of its definition. A tape remembers it as any call. A trace and autocast make other calls,
// which are not these.
#pragma once
#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "ops/op.h"

namespace pt {

class Target;

// A call as the table knows it.
class CallKey {
 public:
  // False if calls like this one are never kept. Without attributes, or with what follows: for each its place in the
  // spec, then its words.
  bool set(const Op& op, std::span<const Tensor* const> inputs);
  bool set(const Op& op, std::span<const Tensor* const> inputs, const Attrs& given);
  void push_back(int64_t word) {
    if (size_ < kMost) words_[size_] = word;
    ++size_;
  }
  bool fits() const { return size_ <= kMost; }
  const int64_t* begin() const { return words_.data(); }
  const int64_t* end() const { return words_.data() + size_; }
  friend bool operator==(const CallKey& a, const CallKey& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr int kMost = 60;
  int size_ = 0;
  std::array<int64_t, kMost> words_;
};

inline constexpr std::size_t kMostPreparedInputs = 4;
inline constexpr std::size_t kMostPreparedOutputs = 3;

// Where a call puts its results, which are seldom many.
class PreparedResults {
 public:
  void add(Tensor result) {
    if (count_ < few_.size()) {
      few_[count_] = std::move(result);
    } else {
      if (many_.empty()) many_.assign(std::make_move_iterator(few_.begin()), std::make_move_iterator(few_.end()));
      many_.push_back(std::move(result));
    }
    ++count_;
  }
  bool empty() const { return count_ == 0; }
  std::span<Tensor> all() { return many_.empty() ? std::span(few_.data(), count_) : std::span(many_); }

 private:
  std::array<Tensor, kMostPreparedOutputs> few_;
  Tensors many_;  // in place of `few_`, where there are more
  std::size_t count_ = 0;
};

// Makes a call that is kept. False, and no results, if it is not, or must go the long way this time.
bool run_prepared(const CallKey& key, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results);
// Whether a call like this one was made before, and so was kept or is known to go the long way.
bool is_known(const CallKey& key);

// Keeps a call that `evaluate` has made: `ready` are its inputs in the dtypes that it took them in, `outputs` its
// results.
void prepare(const CallKey& key, const Op& op, const Tensors& inputs, const Tensors& ready, const Attrs& attrs,
             const Types& types, const Tensors& outputs);
// Keeps a call that is made by its definition: as a view, if it gave one of its only input, or once a program runs it.
// `types` are those of the results; of an op without a gradient rule of its own they are not asked for.
void prepare_composition(const CallKey& key, const Op& op, const Tensors& inputs, const Tensors& ready,
                         const Attrs& attrs, const Types& types, const Tensors& outputs);

// Whether it is made of other calls, which a tape records in its place.
inline bool is_made_of_others(const Op& op) { return op.compose && !op.vjp && !op.has_kernel() && !op.no_gradient; }

}  // namespace pt
