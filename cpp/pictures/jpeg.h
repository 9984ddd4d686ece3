// Decodes the common forms of JPEG: Huffman codes in one scan, 8 bits, grey or YCbCr whose colours have all, half or a
// quarter of the pixels. The pixels are those of Pillow with libjpeg-turbo.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/kernel.h"
#include "pictures/pixel_rows.h"

namespace pt {

struct JpegTables;

// Decodes a whole file; `grey`: luma in place of colours. False for what is not sound in every part or not common; the
// rows that were taken are then of no use. `file` is written to, and kJpegSlack bytes past its end can be read.
// `tables`: of the file before, since many files have the same ones.
bool decode_jpeg(const KernelFn* kernels, JpegTables& tables, uint8_t* file, std::size_t size, bool grey,
                 PixelRows& rows);

}  // namespace pt
