#include "ops/matmul/few_rows.h"
#include "ops/matmul/piece_kernels.h"
#include "ops/matmul/tile_kernels.h"

namespace pt {
namespace PT_ISA {

template void multiply_panel<double>(Tile<double>, int64_t, int64_t, bool);
template void multiply_strips_panel<double>(Tile<double>, int64_t, int64_t);
template void multiply_pieces_panel<double>(Tile<double>, Runs, Runs, int64_t, bool);
template void multiply_few_rows<double>(Tile<double>, const Source&, int64_t, int64_t, GroupOfK);

}  // namespace PT_ISA
}  // namespace pt
