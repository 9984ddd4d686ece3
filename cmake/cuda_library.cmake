# libpowertrain_cuda: the CUDA device in a shared library of its own. It needs NVIDIA's cuda.h for types, and nvcc for
# kernels; without nvcc (POWERTRAIN_CUDA_KERNELS=OFF) it runs on the simulator alone.
option(POWERTRAIN_CUDA_KERNELS "Compile the CUDA kernels by nvcc into the library" OFF)

# Where the toolkit or NVIDIA's wheels have it.
execute_process(COMMAND python3 -c "import glob, site; print(';'.join(p for s in site.getsitepackages() for p in \
glob.glob(s + '/nvidia/*/include')))" OUTPUT_VARIABLE WHEEL_INCLUDES OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_path(CUDA_HEADERS cuda.h HINTS /usr/local/cuda/include ENV CUDA_HOME PATH_SUFFIXES include PATHS ${WHEEL_INCLUDES})
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

# A table of images (cpp/cuda/runtime/images.h): one for each .cu file, compiled for the architectures named.
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
  set(count 0)
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
    math(EXPR count "${count} + 1")
  endforeach()
  set(images "asm(\".pushsection .rodata\\n\"\n${assembly}    \".popsection\\n\");\n${externs}")
else()
  set(TOOLKIT 0)
  set(IMAGE_FILES "")
  set(images "")
  set(table "{\"the simulator\", \"PTSIM\"}")
  set(count 1)
endif()
write_if_changed(${IMAGES} "#include \"cuda/runtime/images.h\"\n\n${images}
namespace pt::cuda {
const Image kImages[] = {${table}};
const int kImageCount = ${count};
const int kToolkit = ${TOOLKIT};
}  // namespace pt::cuda
")
set_source_files_properties(${IMAGES} PROPERTIES OBJECT_DEPENDS "${IMAGE_FILES}")

file(STRINGS ${PROJECT_SOURCE_DIR}/pyproject.toml version REGEX "^version = ")
string(REGEX MATCH "[0-9][^\"]*" version "${version}")
file(GLOB CUDA_RUNTIME_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/cuda/runtime/*.cpp)
set(EXPORTS ${PROJECT_SOURCE_DIR}/cpp/cuda/runtime/exports.map)
add_library(powertrain_cuda SHARED ${CUDA_RUNTIME_SOURCES} ${IMAGES} $<TARGET_OBJECTS:cuda_plans>)
target_include_directories(powertrain_cuda PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
target_include_directories(powertrain_cuda SYSTEM PRIVATE ${CUDA_HEADERS})
target_compile_definitions(powertrain_cuda PRIVATE POWERTRAIN_VERSION="${version}")
target_link_libraries(powertrain_cuda PRIVATE cuda_engine_parts Threads::Threads ${CMAKE_DL_LIBS})
# It watches forks, and its devices live as long as the process: it is never unloaded.
target_link_options(powertrain_cuda PRIVATE -Wl,--version-script=${EXPORTS} -Wl,--no-undefined -Wl,--gc-sections
                    -Wl,-z,nodelete)
set_target_properties(powertrain_cuda PROPERTIES LINK_DEPENDS ${EXPORTS})
