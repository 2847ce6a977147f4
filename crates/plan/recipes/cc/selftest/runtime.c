/* calls that end in the compiler's run-time library: wide division, floats of other widths, atomics without instructions */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
struct wide { char c[32]; };
static struct wide shared;
int main(int argc, char **argv) {
  (void)argv;
  volatile uint64_t big = 0xfedcba9876543210u, small = 1234567u + (unsigned)argc - 1;
  volatile long double ld = 2.0L;
  struct wide local = { { 0 } }, seen;
  local.c[31] = 7;
#ifdef __arm__ /* zig's run-time library has no atomics of arbitrary size for arm */
  seen = local;
#else
  __atomic_store(&shared, &local, __ATOMIC_SEQ_CST);
  __atomic_load(&shared, &seen, __ATOMIC_SEQ_CST);
#endif
  if (big / small * small + big % small != big || big % small >= small) return 1;
  if ((double)(ld * ld / 4.0L) != 1.0) return 2;
  if (seen.c[31] != 7) return 3;
#ifdef __SIZEOF_INT128__
  volatile unsigned __int128 q = ((unsigned __int128)big << 64) | small;
  if (q / big * big + q % big != q) return 4;
#endif
  if (__builtin_popcountll(big) != 32) return 5;
  puts("runtime ok");
  return 0;
}
