// Uses two models that were compiled on their own in one program.

#include "first.h"
#include "second.h"

#include <stdio.h>
#include <string.h>

static int run(const spk_api *api, float *output) {
  spk_create_options options = {0};
  options.abi_version = SPK_ABI_VERSION;
  options.threads = 1;
  spk_handle *handle;
  char message[256];
  if (api->create(&options, &handle, message, sizeof(message)) != SPK_OK) {
    fprintf(stderr, "%s\n", message);
    return 1;
  }
  float input[16];
  for (int i = 0; i < 16; ++i)
    input[i] = 1.0f;
  unsigned char spikes[64];
  const void *inputs[] = {input};
  void *outputs[] = {output, spikes};
  spk_status status = api->run(handle, inputs, outputs);
  api->destroy(handle);
  return status != SPK_OK;
}

int main(void) {
  float first[16], second[16];
  if (run(spk_first_api(), first) || run(spk_second_api(), second))
    return 1;
  printf("%s and %s: %s\n", spk_first_metadata()->model_name,
         spk_second_metadata()->model_name,
         memcmp(first, second, sizeof(first)) == 0 ? "equal" : "different");
  printf("arenas of %llu and %llu bytes\n",
         (unsigned long long)spk_first_arena_bytes(),
         (unsigned long long)spk_second_arena_bytes());
  printf("%g %g %g\n", (double)first[0], (double)first[1], (double)first[15]);
  return 0;
}
