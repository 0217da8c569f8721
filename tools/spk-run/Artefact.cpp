//===- Artefact.cpp - models compiled to shared libraries -----------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Artefact.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <dlfcn.h>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fileError(StringRef path, const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s: %s",
                                 path.str().c_str(), message.str().c_str());
}

/// The functions named like `spk_<model>_api` in a symbol table. Every access
/// is checked against the length of the file.
static Expected<std::vector<std::string>> findApiSymbols(StringRef contents) {
  using ELFT = llvm::object::ELF64LE;
  auto elf = llvm::object::ELFFile<ELFT>::create(contents);
  if (!elf)
    return elf.takeError();
  auto sections = elf->sections();
  if (!sections)
    return sections.takeError();
  std::vector<std::string> names;
  for (const ELFT::Shdr &section : *sections) {
    if (section.sh_type != llvm::ELF::SHT_DYNSYM)
      continue;
    auto symbols = elf->symbols(&section);
    if (!symbols)
      return symbols.takeError();
    auto strings = elf->getStringTableForSymtab(section, *sections);
    if (!strings)
      return strings.takeError();
    for (const ELFT::Sym &symbol : *symbols) {
      if (symbol.isUndefined() || symbol.getType() != llvm::ELF::STT_FUNC)
        continue;
      Expected<StringRef> name = symbol.getName(*strings);
      if (!name)
        return name.takeError();
      if (name->starts_with("spk_") && name->ends_with("_api") &&
          name->size() > StringRef("spk__api").size())
        names.push_back(name->str());
    }
  }
  return names;
}

Expected<std::string> spkrun::findApiSymbol(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return fileError(path, error.message());
  if (!llvm::sys::fs::is_regular_file(status))
    return fileError(path, "not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path, buffer.getError().message());
  if (!(*buffer)->getBuffer().starts_with(llvm::ELF::ElfMagic))
    return fileError(path,
                     "not a shared library; a model is compiled to one by "
                     "spk-compile --emit=shared, and run without being "
                     "compiled by --interpret");
  Expected<std::vector<std::string>> names =
      findApiSymbols((*buffer)->getBuffer());
  if (!names)
    return fileError(path, llvm::toString(names.takeError()));
  if (names->empty())
    return fileError(path, "no model in it: a model exports spk_<model>_api");
  if (names->size() > 1)
    return fileError(path, "more than one model in it: " + names->front() +
                               " and " + names->back());
  return names->front();
}

Expected<const spk_api *> spkrun::loadArtefact(StringRef path) {
  Expected<std::string> symbol = findApiSymbol(path);
  if (!symbol)
    return symbol.takeError();
  // A name without a slash would be searched in the library path.
  std::string file = path.contains('/') ? path.str() : "./" + path.str();
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return fileError(path, reason ? reason : "cannot be loaded");
  }
  // Stays loaded until the program ends.
  void *function = dlsym(library, symbol->c_str());
  const spk_api *api =
      function ? reinterpret_cast<const spk_api *(*)()>(function)() : nullptr;
  if (!api)
    return fileError(path, *symbol + " gives no functions");
  return api;
}
