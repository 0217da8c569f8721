"""lit configuration of the spk tests."""

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "spk"
config.test_format = lit.formats.ShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".c", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt", "lit.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.spk_obj_root, "test")

config.substitutions.append(("%spk_include", os.path.join(config.spk_src_root, "include")))
config.substitutions.append(("%spk_runtime", os.path.join(config.spk_src_root, "lib", "Runtime")))
config.substitutions.append(("%spk_src", config.spk_src_root))
config.substitutions.append(("%spk_obj", config.spk_obj_root))
config.substitutions.append(("%clang", config.clang))
config.substitutions.append(("%python", config.python))

llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.spk_tools_dir, append_path=True)
llvm_config.with_environment("OMP_WAIT_POLICY", "passive")
if config.has_cuda:
    config.available_features.add("cuda")
if config.host_is_x86:
    config.available_features.add("x86")

if config.sanitize:
    # LLVM itself is not instrumented: what its allocators and containers poison
    # in our half of the code they do not free in theirs, and what they keep
    # until exit is no leak.
    options = "allow_user_poisoning=0:detect_container_overflow=0:detect_leaks=0"
    llvm_config.with_environment("ASAN_OPTIONS", options)
