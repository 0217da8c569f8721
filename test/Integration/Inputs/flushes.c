// Exits with 0 if denormals are flushed to zero: that flush_denormals.c works.

#include <float.h>

int main(void) {
  volatile float smallest = FLT_MIN;
  return smallest * 0.5f != 0.0f;
}
