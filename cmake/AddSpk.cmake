# Thin wrappers over the upstream CMake helpers.

option(SPK_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
if(SPK_SANITIZE)
  # vptr checks need RTTI of LLVM classes that the shared library does not export.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# MLIR's headers cost more to parse than our sources: parse them once.
add_library(SpkPrecompiledHeaders OBJECT ${PROJECT_SOURCE_DIR}/cmake/Precompiled.cpp)
target_precompile_headers(SpkPrecompiledHeaders PRIVATE ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
if(NOT LLVM_ENABLE_EH)
  target_compile_options(SpkPrecompiledHeaders PRIVATE -fno-exceptions)
endif()
target_compile_options(SpkPrecompiledHeaders PRIVATE -fPIC)

# add_spk_library(NAME sources... DEPENDS ... LINK_LIBS ...): a static library
# of the compiler, using the shared precompiled header.
function(add_spk_library name)
  add_mlir_library(${name} ${ARGN} STATIC DISABLE_INSTALL EXCLUDE_FROM_LIBMLIR)
  if(TARGET obj.${name})
    target_precompile_headers(obj.${name} REUSE_FROM SpkPrecompiledHeaders)
  else()
    target_precompile_headers(${name} REUSE_FROM SpkPrecompiledHeaders)
  endif()
endfunction()
