// Planted faults: each is reported, in words that say what it is, or changes the result; the right kernel does neither.
#include "cuda/tests/faults.h"

#include "core/error.h"
#include "cuda/launch.h"
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;
using cuda::Fault;
using cuda::FaultyRun;

// A kernel, and a run of it whose result is known.
struct Subject {
  const char* kernel;
  cuda::Geometry geometry;
  Array in;
  Array out;
  Array want;
  bool counts_on;  // out holds values before
  int32_t n, rows;
};

Subject scale(int64_t n) {
  Subject subject{"faulty_scale",
                  {.grid = {3}, .block = {128}},
                  normal(DType::F32, {n}, 1),
                  Array(DType::F32, {n}),
                  Array(DType::F32, {n}),
                  false,
                  static_cast<int32_t>(n),
                  1};
  for (int64_t i = 0; i < n; ++i) subject.want.set(i, 2 * subject.in.number(i));
  return subject;
}

Subject sums(const char* kernel, int64_t rows, int64_t columns, const cuda::Geometry& geometry) {
  Subject subject{kernel,
                  geometry,
                  integers(DType::F32, {rows, columns}, -9, 9, 2),
                  Array(DType::F32, {rows}),
                  Array(DType::F32, {rows}),
                  false,
                  static_cast<int32_t>(columns),
                  static_cast<int32_t>(rows)};
  for (int64_t i = 0; i < rows * columns; ++i) {
    subject.want.set(i / columns, subject.want.number(i / columns) + subject.in.number(i));
  }
  return subject;
}

Subject count_numbers() {
  const int64_t n = 500;
  Subject subject{"faulty_count",
                  {.grid = {2}, .block = {64}},
                  integers(DType::I32, {n}, 0, 15, 3),
                  Array(DType::I32, {16}),
                  Array(DType::I32, {16}),
                  true,
                  n,
                  1};
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<int64_t>(subject.in.number(i));
    subject.want.set(at, subject.want.number(at) + 1);
  }
  return subject;
}

Subject transpose() {
  const int64_t rows = 37, columns = 21;
  Subject subject{"faulty_transpose",
                  {.grid = {2}, .block = {256}, .shared_bytes = 16 * 17 * 4},
                  normal(DType::F32, {rows, columns}, 4),
                  Array(DType::F32, {columns, rows}),
                  Array(DType::F32, {columns, rows}),
                  false,
                  columns,
                  rows};
  for (int64_t i = 0; i < rows * columns; ++i) {
    subject.want.set(i % columns * rows + i / columns, subject.in.number(i));
  }
  return subject;
}

Subject pipeline() {
  const int64_t rows = 5;
  Subject subject{"faulty_pipeline",
                  {.block = {16}},
                  integers(DType::F32, {rows, 64}, -9, 9, 5),
                  Array(DType::F32, {64}),
                  Array(DType::F32, {64}),
                  false,
                  64,
                  rows};
  for (int64_t i = 0; i < rows * 64; ++i) {
    const int64_t column = i % 64, turned = 4 * (15 - column / 4) + column % 4;
    subject.want.set(turned, subject.want.number(turned) + subject.in.number(i));
  }
  return subject;
}

struct Outcome {
  std::string report;
  bool right;
};

Outcome run(const Subject& subject, Fault fault, uint32_t order) {
  LaunchPlan plan;
  const FaultyRun params{fault, subject.n, subject.rows};
  const int operands = std::string(subject.kernel) == "faulty_scale" ? 3 : 2;
  plan.launches.push_back(cuda::cuda_launch(subject.kernel, subject.geometry, params, operands, 0));
  Outcome outcome;
  std::vector<Array> out{subject.out};
  run_cuda(subject.kernel, plan, {subject.in}, out, order, subject.counts_on, &outcome.report);
  outcome.right = outcome.report.empty() && out[0].memory() == subject.want.memory();
  return outcome;
}

// The report names the nearest operand. A read far behind one's end may lie nearer to the begin of another, by where
// the heap laid them and which thread reads first, so these faults do not look for the name.
constexpr const char* kFarOutside = "; expected to stay inside; check the bounds";

struct Planted {
  Fault fault;
  // A piece of the report, for each order of threads; empty where the wrong result alone shows it.
  const char* report;
};

void check_subject(const Subject& subject, const std::vector<Planted>& faults) {
  for (uint32_t order : {0, 1, 2, 3}) {
    const Outcome good = run(subject, Fault::Right, order);
    check::report(good.right, __FILE__, __LINE__, text(subject.kernel, " without a fault: ", good.report));
    for (const Planted& planted : faults) {
      const Outcome bad = run(subject, planted.fault, order);
      const bool found =
          *planted.report ? bad.report.find(planted.report) != std::string::npos : bad.report.empty() && !bad.right;
      check::report(found, __FILE__, __LINE__,
                    text(subject.kernel, " with fault ", static_cast<int>(planted.fault), " and order ", order,
                         ": expected \"", planted.report, "\" in: ", bad.report));
    }
  }
}

// Whole texts, of which check_subject looks for pieces.
void check_text(const Subject& subject, Fault fault, const std::string& want) {
  CHECK_EQ(run(subject, fault, 0).report, want);
}

void test_texts() {
  const Subject scaled = scale(1001), summed = sums("faulty_row_sum", 4, 50, {.grid = {2}, .block = {64}});
  const Subject warps = sums("faulty_warp_sum", 3, 32, {.grid = {3}, .block = {32}});
  check_text(scaled, Fault::OneElementTooMany,
             "[cuda faulty_scale] block (1, 0, 0) thread (105, 0, 0) reads 4 bytes, 0 after the end of input 0 "
             "(tests/faults.cu:30); expected to stay inside; check the bounds");
  check_text(scaled, Fault::EveryBlockAllElements,
             "[cuda faulty_scale] block (1, 0, 0) thread (0, 0, 0) writes 4 bytes at byte 0 of output 0 "
             "(tests/faults.cu:39), which block (0, 0, 0) wrote (tests/faults.cu:39); expected blocks to write "
             "different bytes, and to read none of another's; split the work otherwise, or use two launches");
  check_text(summed, Fault::FlagWithoutBarrier,
             "[cuda faulty_row_sum] block (0, 0, 0) thread (1, 0, 0) reads 4 bytes at byte 0 of shared variable last "
             "(tests/faults.cu:62), which thread (0, 0, 0) wrote (tests/faults.cu:61); expected __syncwarp() or "
             "__syncthreads() between the two");
  check_text(
      summed, Fault::BarriersInBothBranches,
      "[cuda faulty_row_sum] block (0, 0, 0) thread (63, 0, 0) waits at a barrier (tests/faults.cu:68) while block "
      "(0, 0, 0) thread (0, 0, 0) waits at another one (tests/faults.cu:66); expected all at the same one; move it "
      "out of the branch");
  check_text(
      warps, Fault::NoSyncWarp,
      "[cuda faulty_warp_sum] block (0, 0, 0) thread (0, 0, 0) reads 4 bytes at byte 124 of shared variable handed "
      "(tests/faults.cu:108), which thread (31, 0, 0) wrote (tests/faults.cu:102); expected __syncwarp() or "
      "__syncthreads() between the two");
  check_text(
      warps, Fault::MasksDiffer,
      "[cuda faulty_warp_sum] block (0, 0, 0) thread (0, 0, 0) waits at __shfl_xor_sync with mask 0xffffffff, and "
      "block (0, 0, 0) thread (7, 0, 0) waits at __shfl_xor_sync with mask 0xfffffff; expected all threads that wait "
      "for each other at the same operation; move it out of the branch");
}

}  // namespace

int main() {
  test_texts();
  check_subject(scale(1001), {
                                 {Fault::OneElementTooMany, "reads 4 bytes, 0 after the end of input 0"},
                                 {Fault::ReadBeforeBegin, "reads 4 bytes, 4 before the begin of input 0"},
                                 {Fault::WriteOneFurther, "writes 4 bytes"},
                                 {Fault::WriteToInput, "of input 0 (tests/faults.cu:"},
                                 {Fault::MisalignedFloat4, "expected an address that is a multiple of 16"},
                                 {Fault::Float4OverTail, "of input 0 (tests/faults.cu:"},
                                 {Fault::MisalignedDouble, "expected an address that is a multiple of 8"},
                                 {Fault::NoWalkOverGrid, ""},
                                 {Fault::EveryBlockAllElements, "expected blocks to write different bytes"},
                                 {Fault::StrideOfBlock, "expected blocks to write different bytes"},
                                 {Fault::AddToUnwritten, "which nobody has written; expected values"},
                                 {Fault::ReadNextOperand, kFarOutside},
                                 {Fault::ForeignPointer, "reads 4 bytes of memory that the launch was not given"},
                                 {Fault::WriteToParameters, "writes 4 bytes of the kernel's parameters"},
                             });
  check_subject(scale(300), {{Fault::NoBoundsCheck, kFarOutside}});
  check_subject(sums("faulty_row_sum", 4, 50, {.grid = {2}, .block = {64}}),
                {
                    {Fault::NoBarrierBeforeTree, "of shared variable enough"},
                    {Fault::NoBarrierInTree, "__syncthreads() between the two"},
                    {Fault::NoBarrierAfterRow, "__syncthreads() between the two"},
                    {Fault::TreeReadsOneFurther, "shared variable enough"},
                    {Fault::IdleThreadsLeaveSharedUnwritten, "which this block has not written"},
                    {Fault::BarrierInBranch, "barrier"},
                    {Fault::BarriersInBothBranches, "waits at another one"},
                    {Fault::ReturnBeforeBarrier, "barrier"},
                    {Fault::ReturnWhileOthersWait, "barrier"},
                    {Fault::SharedTooSmall, "after the end of shared variable few"},
                    {Fault::EveryThreadStores, "of output 0"},
                    {Fault::FlagWithoutBarrier, "of shared variable last"},
                });
  check_subject(sums("faulty_warp_sum", 3, 32, {.grid = {3}, .block = {32}}),
                {
                    {Fault::MaskOfHalf, "mask"},
                    {Fault::ShuffleInBranch, "__shfl_xor_sync"},
                    {Fault::ShuffleFromOutsideOfMask, "shuffles from a lane outside of its mask"},
                    {Fault::MasksDiffer, "with mask 0x"},
                    {Fault::ReturnBeforeShuffle, "__shfl_xor_sync"},
                    {Fault::NoSyncWarp, "of shared variable handed"},
                    {Fault::ShuffleInPlaceOfSyncWarp, "expected __syncwarp() or __syncthreads() between the two"},
                    {Fault::SyncOfOtherHalf, "expected __syncwarp() or __syncthreads() between the two"},
                    {Fault::LoopsOfDifferentLength, "__shfl_sync"},
                });
  check_subject(count_numbers(), {
                                     {Fault::PlainIncrement, "of shared variable counts"},
                                     {Fault::PlainIncrementAcrossBlocks, "expected blocks to write different bytes"},
                                     {Fault::PlainReadAfterAtomic, "of shared variable counts"},
                                     {Fault::MisalignedAtomic, "updates 4 bytes at byte"},
                                     {Fault::AtomicOutside, "updates 4 bytes, 0 after the end of output 0"},
                                 });
  check_subject(transpose(), {
                                 {Fault::NoBarrierBeforeTurn, "dynamic shared memory"},
                                 {Fault::NoBarrierAfterTurn, "dynamic shared memory"},
                                 {Fault::TailOfOtherAxis, "dynamic shared memory"},
                                 {Fault::DynamicTooSmall, "dynamic shared memory"},
                                 {Fault::TurnIntoOneColumn, "expected __syncwarp() or __syncthreads() between the two"},
                             });
  check_subject(pipeline(), {
                                {Fault::NoWait, "to which a copy is under way"},
                                {Fault::WaitForOneTooFew, "to which a copy is under way"},
                                {Fault::NoBarrierAfterWait, "of shared variable buffers"},
                                {Fault::OneBuffer, "of shared variable buffers"},
                                {Fault::EndWithoutWait, "ends before its copies to shared memory"},
                                {Fault::MisalignedCopy, "expected an address that is a multiple of 16"},
                            });
  return check::finish();
}
