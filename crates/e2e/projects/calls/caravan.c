/* What OCaml calls by address, never through a stub: numbers and records of several sizes, a callback, a function of libc's. */
#include <caml/alloc.h>
#include <caml/mlvalues.h>
#include <stdlib.h>
#include <string.h>

/* 12 and 16 bytes: the one goes by registers on most systems and by reference on Windows, the other has both kinds of numbers. */
struct place { int x, y, z; };
struct load { double weight; int camels; };

/* More arguments than there are registers for them. */
static double sum(int a, double b, int64_t c, float d, int e, double f, uint8_t g, double h, int16_t i, double j) {
  return a + 2 * b + 3 * (double)c + 4 * (double)d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

static struct place mirrored(struct place place) {
  return (struct place){ -place.x, -place.y, -place.z };
}

static struct load together(struct load one, struct load two) {
  return (struct load){ one.weight + two.weight, one.camels + two.camels };
}

/* The weights that `carry` makes of the loads 1 to n, added up. */
static double each(int n, double (*carry)(struct load, int)) {
  double all = 0;
  for (int i = 1; i <= n; i++) all += carry((struct load){ i * 0.5, i }, n - i);
  return all;
}

value caravan_address(value name) {
  static const struct { const char *name; void *address; } functions[] = {
    { "sum", (void *)sum }, { "mirrored", (void *)mirrored }, { "together", (void *)together }, { "each", (void *)each },
    { "strlen", (void *)strlen }, { "qsort", (void *)qsort },
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(functions[i].name, String_val(name)) == 0) return caml_copy_nativeint((intnat)functions[i].address);
  abort();
}
