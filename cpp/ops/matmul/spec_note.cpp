// What a profile says of a product: how it is multiplied, cut and packed, and why not otherwise.
#include <algorithm>

#include "core/error.h"
#include "ops/launch_notes.h"
#include "ops/matmul/amx.h"
#include "ops/matmul/product.h"

namespace pt {
namespace {

std::string parts(const char* what, int64_t size, int64_t chunk, int64_t chunks) {
  if (chunks == 1) return text(what, " ", size);
  return text(what, " ", size, " in ", chunks, " x ", std::min(chunk, size));
}

std::string because(const std::string& reason) { return reason.empty() ? reason : text(" (", reason, ")"); }

// Operands of bf16 that go neither in pairs nor through tile registers, though a processor may have both.
std::string why_widened(const MatmulProblem& p) {
  if (p.amx || p.left_type != DType::BF16 || p.right_type != DType::BF16) return "";
  if (p.gathered) return "convolutions widen bf16";
  if (!p.hardware_dots) return "dots=\"exact\" widens bf16";
  return p.pairs ? "this processor has no tile registers" : "these kernels have no instruction for bf16";
}

std::string kind_of(const MatmulProblem& p) {
  const std::string numbers =
      p.pairs ? "tiles of bf16 pairs" : text("tiles of ", info(compute_dtype(p.out_type)).brief);
  return (p.amx ? "tile registers" : numbers) + because(why_widened(p)) + (p.swapped ? ", computed transposed" : "");
}

std::string left_of(const MatmulDesc& d) {
  const MatmulSchedule& s = d.schedule;
  if (s.share_left) return "left packed once for all chunks";
  if (s.padded_left) return "left read from lines of pixels with zeros around them";
  if (d.problem.gathered) return s.strips ? "left gathered in strips by each chunk" : "left gathered by each chunk";
  if (!s.copy_left) return "left read in place";
  const std::string how = d.problem.amx ? "packed" : s.strips ? "packed in strips" : "copied";
  return text("left ", how, " by each chunk") + because(why_not_shared_left(d.problem, s));
}

std::string right_of(const MatmulDesc& d) {
  if (d.schedule.share_right) return "right packed once for all chunks";
  if (d.schedule.stream_right) return "right read once, as it lies";
  if (d.schedule.copy_right) return "right packed in panels by each chunk";
  return "right read in place" + because(why_no_panels(d.problem, d.schedule));
}

std::string sums_of(const MatmulDesc& d) {
  if (d.problem.has_epilogue())
    return text("sums in scratch, then a program of ", d.problem.epilogue_operands, " operands");
  if (d.problem.rounds) return text("sums in scratch, then rounded", d.problem.adds ? " and added to" : "");
  if (d.schedule.rounds_in_tiles) return "sums rounded in the tiles";
  return d.schedule.direct ? "sums kept in the result" : "sums in scratch";
}

}  // namespace

std::string note_cut(const MatmulDesc& d) {
  const MatmulProblem& p = d.problem;
  const MatmulSchedule& s = d.schedule;
  std::string cut = text(parts("rows", p.rows, s.row_chunk, s.row_chunks), ", ",
                         parts("columns", p.cols, s.col_chunk, s.col_chunks), ", K ", p.depth * (p.pairs ? 2 : 1));
  if (s.groups > 1) cut += text(" in ", s.groups, " groups");
  if (s.depth_parts > 0) cut += text(", of which ", s.depth_parts, " threads have ", s.part_groups, " each");
  if (p.batches > 1) cut += ", " + parts("batch", p.batches, s.batch_chunk, s.batch_chunks);
  return cut;
}

std::string note_product(const MatmulDesc& d) {
  const std::string sums = d.schedule.groups > 1 ? "sums of each group in the workspace" : sums_of(d);
  return text(kind_of(d.problem), "; ", note_cut(d), "; ", left_of(d), ", ", right_of(d), "; ", sums);
}

std::string note_group_sums(const MatmulDesc& d) {
  return text("adds the sums of K in groups, ascending, of which there are ", d.schedule.groups, "; ", sums_of(d));
}

namespace {

std::string note_matmul(const Launch& launch) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(launch.desc.data());
  switch (launch.variant) {
    case kAddGroupsF32:
    case kAddGroupsF64:
      return note_group_sums(d);
    case kProductF32:
    case kProductF64:
    case kProductAmx:
      return note_product(d);
    default:
      return text("packs an operand once for all chunks of ", d.problem.rows, " x ", d.problem.cols, ", K ",
                  d.problem.depth * (d.problem.pairs ? 2 : 1));
  }
}

const bool noted = add_launch_note("matmul", note_matmul);

}  // namespace
}  // namespace pt
