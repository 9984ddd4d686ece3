# libpowertrain_cuda: the CUDA device in a shared library of its own. It needs NVIDIA's cuda.h for types, and nvcc for
# kernels; without nvcc (POWERTRAIN_CUDA_KERNELS=OFF) it runs on the simulator alone.
option(POWERTRAIN_CUDA_KERNELS "Compile the CUDA kernels by nvcc into the library" OFF)

if(NOT CUDA_HEADERS)
  message(STATUS "The CUDA library is left out: no cuda.h was found. pip install nvidia-cuda-runtime-cu12, or set "
                 "CUDA_HEADERS to its folder")
  return()
endif()

# Of the engine what plans need: shapes, dtypes, attributes, and planning that is the same for every device. From an
# archive the linker takes what is asked for, and no specs.
file(GLOB CUDA_ENGINE_PARTS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/core/*.cpp
     ${PROJECT_SOURCE_DIR}/cpp/ops/*/plan_shared*.cpp)
add_library(cuda_engine_parts STATIC EXCLUDE_FROM_ALL ${CUDA_ENGINE_PARTS})
target_include_directories(cuda_engine_parts PRIVATE ${PROJECT_SOURCE_DIR}/cpp ${GENERATED})
target_compile_options(cuda_engine_parts PRIVATE -O1)

# A table of images (cpp/cuda/runtime/images.h): one for each .cu file, compiled for the architectures named. They lie in
# the section in which cuobjdump looks for them.
set(IMAGES ${GENERATED}/cuda_images.cpp)
if(POWERTRAIN_CUDA_KERNELS)
  set(POWERTRAIN_CUDA_ARCHITECTURES 80 90 100 CACHE STRING "Compute capabilities with compiled kernels")
  find_program(NVCC nvcc HINTS /usr/local/cuda/bin ENV CUDA_HOME PATH_SUFFIXES bin REQUIRED)
  execute_process(COMMAND ${NVCC} --version OUTPUT_VARIABLE NVCC_SAYS COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "release ([0-9]+)\\.([0-9]+)" _ "${NVCC_SAYS}")
  math(EXPR TOOLKIT "${CMAKE_MATCH_1} * 1000 + ${CMAKE_MATCH_2} * 10")
  set(NVCC_FLAGS -std=c++20 --expt-relaxed-constexpr -fmad=false -prec-div=true -prec-sqrt=true -ftz=false)
  foreach(arch ${POWERTRAIN_CUDA_ARCHITECTURES})
    list(APPEND NVCC_FLAGS -gencode arch=compute_${arch},code=sm_${arch})
  endforeach()
  list(GET POWERTRAIN_CUDA_ARCHITECTURES -1 newest)
  list(APPEND NVCC_FLAGS -gencode arch=compute_${newest},code=compute_${newest})  # for the cards after it
  set(table "")
  set(assembly "")
  foreach(source ${CUDA_KERNEL_SOURCES})
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${source})
    string(REGEX REPLACE "[^a-zA-Z0-9]" "_" id ${name})
    set(image ${CMAKE_CURRENT_BINARY_DIR}/${id}.fatbin)
    add_custom_command(OUTPUT ${image} DEPENDS ${source} DEPFILE ${image}.d
                       COMMAND ${NVCC} -fatbin ${NVCC_FLAGS} -I${PROJECT_SOURCE_DIR}/cpp -I${GENERATED} -MD
                               -MF ${image}.d -MT ${image} -o ${image} ${source} VERBATIM)
    list(APPEND IMAGE_FILES ${image})
    string(APPEND assembly "    \".balign 64\\n${id}: .incbin \\\"${image}\\\"\\n\"\n")
    string(APPEND externs "extern \"C\" __attribute__((visibility(\"hidden\"))) const char ${id}[];\n")
    string(APPEND table "{\"${name}\", ${id}}, ")
  endforeach()
  set(images "asm(\".pushsection .nv_fatbin, \\\"a\\\"\\n\"\n${assembly}    \".popsection\\n\");\n${externs}")
else()
  set(TOOLKIT 0)
  set(IMAGE_FILES "")
  set(images "")
  set(table "")
endif()
write_if_changed(${IMAGES} "#include \"cuda/runtime/images.h\"\n\n${images}
namespace pt::cuda {
const Image kImages[] = {${table}{nullptr, nullptr}};
const int kToolkit = ${TOOLKIT};
}  // namespace pt::cuda
")
set_source_files_properties(${IMAGES} PROPERTIES OBJECT_DEPENDS "${IMAGE_FILES}")

file(STRINGS ${PROJECT_SOURCE_DIR}/pyproject.toml CUDA_LIBRARY_VERSION REGEX "^version = ")
string(REGEX MATCH "[0-9][^\"]*" CUDA_LIBRARY_VERSION "${CUDA_LIBRARY_VERSION}")
file(GLOB CUDA_RUNTIME_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/cuda/runtime/*.cpp)
add_library(cuda_runtime OBJECT EXCLUDE_FROM_ALL ${CUDA_RUNTIME_SOURCES} ${IMAGES})
target_include_directories(cuda_runtime PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
target_include_directories(cuda_runtime SYSTEM PRIVATE ${CUDA_HEADERS})
target_compile_definitions(cuda_runtime PRIVATE POWERTRAIN_VERSION="${CUDA_LIBRARY_VERSION}")

# It watches forks, and its devices live as long as the process: such a library is never unloaded.
function(cuda_library name)
  set(exports ${PROJECT_SOURCE_DIR}/cpp/cuda/runtime/exports.map)
  add_library(${name} SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:cuda_runtime> $<TARGET_OBJECTS:cuda_plans> ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
  target_link_libraries(${name} PRIVATE cuda_engine_parts Threads::Threads ${CMAKE_DL_LIBS})
  target_link_options(${name} PRIVATE -Wl,--version-script=${exports} -Wl,--no-undefined -Wl,--gc-sections
                      -Wl,-z,nodelete)
  set_target_properties(${name} PROPERTIES LINK_DEPENDS ${exports})
endfunction()
cuda_library(powertrain_cuda)
