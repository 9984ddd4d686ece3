# Kernels are found, never listed: every cpp/ops/<op>/cpu.cpp is compiled once per instruction set, and every
# cpp/ops/<op>/math.h becomes instructions of the fused machine. What is generated here is the list of what was found.
set(GENERATED ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${GENERATED})

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(KERNEL_ISAS generic)  # vectors by the compiler: the NEON registers are not written yet
else()
  set(KERNEL_ISAS avx512 avx2 generic)
endif()
set(POWERTRAIN_ISAS "" CACHE STRING "Only these instruction sets, to build less; generic is always among them")
if(POWERTRAIN_ISAS)
  set(KERNEL_ISAS ${POWERTRAIN_ISAS} generic)  # whose facts about formulas serve all
  list(REMOVE_DUPLICATES KERNEL_ISAS)
endif()
set(FLAGS_avx512 -Wno-psabi -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512)
set(FLAGS_avx2 -mavx2 -mfma -mf16c)
set(FLAGS_neon "")
# The oracle: a short build counts for more than its speed.
set(FLAGS_generic "")
set(OPTIMIZE_avx512 -O3)
set(OPTIMIZE_avx2 -O3)
set(OPTIMIZE_neon -O3)
set(OPTIMIZE_generic -O1)
if(KERNEL_ISAS STREQUAL "generic")
  set(OPTIMIZE_generic -O3)  # all that this machine has
endif()
if(POWERTRAIN_EMULATE_AVX512)
  set(FLAGS_avx512 -Wno-psabi -mavx2 -mfma -mf16c -DPT_EMULATE_AVX512)
endif()

# Writes a file only when its content changes, so that configuring again rebuilds nothing.
function(write_if_changed path content)
  set(old "")
  if(EXISTS ${path})
    file(READ ${path} old)
  endif()
  if(NOT old STREQUAL content)
    file(WRITE ${path} "${content}")
  endif()
endfunction()

file(GLOB KERNEL_SOURCES CONFIGURE_DEPENDS cpp/ops/*/cpu*.cpp)
file(GLOB MATH_HEADERS CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/cpp cpp/ops/*/math.h)
list(SORT KERNEL_SOURCES)
list(SORT MATH_HEADERS)

# math_ops.inc: PT_MATH_OP(name) for each formula, in name order; math_headers.inc includes them all.
set(math_ops "")
set(math_includes "")
foreach(header ${MATH_HEADERS})
  string(REGEX REPLACE "^ops/([^/]+)/math.h$" "\\1" op ${header})
  string(APPEND math_ops "PT_MATH_OP(${op})\n")
  string(APPEND math_includes "#include \"${header}\"\n")
endforeach()
write_if_changed(${GENERATED}/math_ops.inc "${math_ops}")
write_if_changed(${GENERATED}/math_headers.inc "${math_includes}")

# kernel_table.cpp: op name -> the constant table of its kernels, per instruction set.
set(declarations "")
set(KERNEL_OBJECTS "")
set(KERNEL_ISA_DEFINITIONS "")
set(rows "")
set(ops "")
foreach(source ${KERNEL_SOURCES})
  string(REGEX REPLACE "^.*/ops/([^/]+)/cpu.*\\.cpp$" "\\1" op ${source})
  if(NOT source MATCHES "/cpu\\.cpp$")
    continue()  # further cpu_*.cpp files of an op are reached through its cpu.cpp
  endif()
  list(APPEND ops ${op})
endforeach()
foreach(isa ${KERNEL_ISAS})
  add_library(kernels_${isa} OBJECT ${KERNEL_SOURCES})
  target_include_directories(kernels_${isa} PRIVATE cpp ${GENERATED})
  target_compile_definitions(kernels_${isa} PRIVATE PT_ISA=isa_${isa} PT_ISA_${isa}=1)
  # No threadsafe statics, RTTI or exceptions in kernels: none is needed, and each would be shared with the baseline.
  target_compile_options(kernels_${isa} PRIVATE ${FLAGS_${isa}} ${OPTIMIZE_${isa}} -fno-exceptions -fno-rtti
                         -fno-threadsafe-statics -fno-asynchronous-unwind-tables)
  list(APPEND KERNEL_OBJECTS $<TARGET_OBJECTS:kernels_${isa}>)
  list(APPEND KERNEL_ISA_DEFINITIONS PT_HAVE_${isa}=1)
  foreach(op ${ops})
    string(APPEND declarations "extern \"C\" const pt::KernelFn pt_kernels_${op}_isa_${isa}[];\n")
    string(APPEND rows "    {\"${op}\", \"${isa}\", pt_kernels_${op}_isa_${isa}},\n")
  endforeach()
endforeach()
set(table "// Made by cmake/kernels.cmake from the folders that hold a cpu.cpp.\n#include \"parallel/kernel_table.h\"\n\n${declarations}\nnamespace pt {\nconst KernelRow kKernelRows[] = {\n${rows}};\nconst int kKernelRowCount = sizeof(kKernelRows) / sizeof(kKernelRows[0]);\n}  // namespace pt\n")
write_if_changed(${GENERATED}/kernel_table.cpp "${table}")
set(KERNEL_TABLE ${GENERATED}/kernel_table.cpp)
