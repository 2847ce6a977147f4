/* Compresses a text, decompresses it, compares. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static unsigned char text[100000], small[110000], again[100000];

int main(void) {
  uLongf small_size = sizeof small, again_size = sizeof again;
  for (size_t i = 0; i < sizeof text; i++) text[i] = (unsigned char)("bactrian"[i % 8] + i / 20000);
  if (compress2(small, &small_size, text, sizeof text, 9) != Z_OK) return 1;
  if (uncompress(again, &again_size, small, small_size) != Z_OK) return 2;
  printf("%s: %lu bytes, %s, %s\n", zlibVersion(), (unsigned long)again_size,
         small_size < sizeof text / 50 ? "smaller" : "not smaller",
         again_size == sizeof text && memcmp(text, again, sizeof text) == 0 ? "the same again" : "different");
  return 0;
}
