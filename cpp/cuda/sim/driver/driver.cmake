# libpowertrain_cuda_sim.so: what the runtime opens in place of libcuda.so.1 and libnvrtc.so. Compiled against NVIDIA's
# own headers, so that the compiler checks the signatures; without them it is left out.
if(NOT CUDA_HEADERS)
  message(STATUS "No cuda.h: the simulated CUDA driver is not built. It comes with CUDA or pip install "
                 "nvidia-cuda-runtime-cu12; set CUDA_HOME or CUDA_HEADERS to where it is")
  return()
endif()

file(GLOB CUDA_DRIVER_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
if(NOT NVRTC_HEADERS)
  message(STATUS "No nvrtc.h: the simulated CUDA driver compiles no printed kernels. It comes with CUDA or pip install "
                 "nvidia-cuda-nvrtc-cu12; set CUDA_HOME or NVRTC_HEADERS to where it is")
  list(FILTER CUDA_DRIVER_SOURCES EXCLUDE REGEX "/(api_nvrtc|compile)\\.cpp$")
endif()
add_library(powertrain_cuda_sim SHARED ${CUDA_DRIVER_SOURCES} $<TARGET_OBJECTS:cuda_sim>
            $<TARGET_OBJECTS:cuda_sim_kernels> $<TARGET_OBJECTS:cuda_test_kernels>)
target_include_directories(powertrain_cuda_sim PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
target_include_directories(powertrain_cuda_sim SYSTEM PRIVATE ${CUDA_HEADERS} $<$<BOOL:${NVRTC_HEADERS}>:${NVRTC_HEADERS}>)
# How printed kernels are compiled: as those of this build.
target_compile_definitions(powertrain_cuda_sim PRIVATE PT_SIM_COMPILER="${CMAKE_CXX_COMPILER}"
                           PT_SIM_INCLUDE="${PROJECT_SOURCE_DIR}/cpp:${GENERATED}")
target_link_libraries(powertrain_cuda_sim PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(powertrain_cuda_sim PRIVATE -Wl,--no-undefined)

# libpowertrain_cublaslt_sim.so: cuBLASLt by plain loops, whose work waits in the streams of the driver beside it.
find_path(CUBLASLT_HEADERS cublasLt.h HINTS $ENV{CUDA_HOME}/include /usr/local/cuda/include ${NVIDIA_WHEELS})
set(CUBLASLT_TYPES ${CUBLASLT_HEADERS})
if(NOT CUBLASLT_HEADERS)  # it comes with CUDA or pip install nvidia-cublas-cu12
  set(CUBLASLT_TYPES ${PROJECT_SOURCE_DIR}/cpp/cuda/sim/cublaslt/declared)
endif()
file(GLOB CUBLASLT_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/cuda/sim/cublaslt/*.cpp)
add_library(powertrain_cublaslt_sim SHARED ${CUBLASLT_SOURCES})
target_include_directories(powertrain_cublaslt_sim PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
target_include_directories(powertrain_cublaslt_sim SYSTEM PRIVATE ${CUDA_HEADERS} ${CUBLASLT_TYPES})
target_link_libraries(powertrain_cublaslt_sim PRIVATE powertrain_cuda_sim)
target_link_options(powertrain_cublaslt_sim PRIVATE -Wl,--no-undefined)

file(GLOB CUDA_DRIVER_TESTS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/cuda/tests/driver*_test.cpp)
foreach(source ${CUDA_DRIVER_TESTS})
  get_filename_component(file ${source} NAME_WE)
  set(name cuda_${file})
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cpp)
  target_include_directories(${name} SYSTEM PRIVATE ${CUDA_HEADERS} $<$<BOOL:${NVRTC_HEADERS}>:${NVRTC_HEADERS}>
                             ${CUBLASLT_TYPES})
  target_compile_definitions(${name} PRIVATE PT_SIM_LIBRARY="$<TARGET_FILE:powertrain_cuda_sim>"
                             PT_CUBLASLT_LIBRARY="$<TARGET_FILE:powertrain_cublaslt_sim>"
                             $<$<BOOL:${CUBLASLT_HEADERS}>:PT_NVIDIA_CUBLASLT=1>)
  target_link_libraries(${name} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
  add_dependencies(${name} powertrain_cuda_sim powertrain_cublaslt_sim)
  add_test(NAME ${name} COMMAND ${name})
endforeach()
