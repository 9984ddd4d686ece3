// A program as Python's dicts and lists: what profiles, records and drawings read.
#pragma once
#include "bindings/bindings.h"
#include "program/program.h"

namespace pt::bindings {

// Its instructions in order, the memory that their operands name, and sums.
py::dict as_dict(const Program& program);

}  // namespace pt::bindings
