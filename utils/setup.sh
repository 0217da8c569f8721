#!/usr/bin/env bash
# Installs what building, testing and running the demo need, on Debian or a
# system like it: packages through apt, and Python packages into .venv.
#
#   utils/setup.sh
#
# Run as root, or as a user who may use sudo. Does nothing where everything is
# in place. Environment:
#   PYTHON           the Python that .venv is made with (default: python3)
#   SPK_TORCH_INDEX  package index that has PyTorch's smaller build for CPUs
#                    (default: where the other packages come from)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

llvm_version=22.1.8
llvm_packages=(llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22
  libomp-22-dev libclang-rt-22-dev clang-format-22 clang-tidy-22)
other_packages=(libgtest-dev cmake ninja-build python3 python3-venv qemu-user)

# ---- apt packages ----------------------------------------------------------------------------------------------------

missing_packages() {
  local package
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || echo "$package"
  done
}

privileged() {
  if ((EUID == 0)); then
    DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "installing packages needs root: run as root, or install sudo, or install these yourself: ${missing[*]}"
  fi
}

install_packages() {
  local package available pinned=()
  command -v apt-get >/dev/null || die "this script knows Debian's apt only; install yourself: ${missing[*]}"
  step "apt-get update" privileged apt-get update -q
  for package in "${missing[@]}"; do
    if [[ " ${llvm_packages[*]} " == *" $package "* ]]; then
      # Passes and their options change between releases: this one and no other.
      available=$(apt-cache madison "$package" | awk '{printf "%s%s", sep, $3; sep = ", "}')
      [[ "$available" == *"1:$llvm_version"* ]] || die \
        "apt has no $package $llvm_version (but ${available:-no version at all}). Debian 12 (bookworm) has it in its
security archive: the suite bookworm-security, component main, must be among the sources of apt.
On another system install LLVM and MLIR $llvm_version from elsewhere, under /usr/lib/llvm-22."
      pinned+=("$package=1:$llvm_version*")
    else
      pinned+=("$package")
    fi
  done
  step "install ${#pinned[@]} packages with apt" \
    privileged apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${pinned[@]}"
}

mapfile -t missing < <(missing_packages "${llvm_packages[@]}" "${other_packages[@]}")
if ((${#missing[@]})); then
  echo "setup: missing packages: ${missing[*]}"
  install_packages
fi

# ---- Python packages -------------------------------------------------------------------------------------------------

install_python_packages() {
  local torch
  if [[ ! -x .venv/bin/python ]]; then
    step "make a virtual environment in .venv" "${PYTHON:-python3}" -m venv .venv
  fi
  .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    die ".venv has $(.venv/bin/python --version), 3.10 or newer is needed: remove .venv and set PYTHON"
  local pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input)
  # PyTorch's default build for x86-64 brings gigabytes of GPU libraries.
  if [[ -n "${SPK_TORCH_INDEX:-}" ]]; then
    torch=$(grep '^torch==' requirements.txt)
    step "install $torch from $SPK_TORCH_INDEX" \
      "${pip[@]}" install --progress-bar off --no-deps --index-url "$SPK_TORCH_INDEX" "$torch"
  fi
  step "install the packages of requirements.txt into .venv" \
    "${pip[@]}" install --progress-bar off -r requirements.txt
  # Without dependencies: it asks for torchvision, which would bring another torch.
  step "install SpikingJelly into .venv" \
    "${pip[@]}" install --progress-bar off --no-deps spikingjelly==2.0.0
  step "install the package spk into .venv, from python_frontend" \
    "${pip[@]}" install --quiet --no-deps --editable ./python_frontend
}

# What was installed is known by a hash of what was asked for.
wanted=$(cat requirements*.txt python_frontend/pyproject.toml "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)
stamp=.venv/.spk-requirements
if [[ ! -x .venv/bin/python || "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]]; then
  echo "setup: the Python packages in .venv are missing or out of date"
  install_python_packages
  echo "$wanted" >"$stamp"
fi
echo "setup: LLVM $llvm_version, $(.venv/bin/python --version) in .venv: all there"
