#include <caml/alloc.h>
#include <caml/mlvalues.h>
#include <stdint.h>
#include <stdlib.h>

/* Static programs have no dlsym, so the address of the function to call is told by hand. */
value address_of_qsort(value unit)
{
  (void)unit;
  return caml_copy_nativeint((intnat)&qsort);
}

static double weigh(int8_t a, int64_t b, float c, double d) { return a + (double)b * c - d; }

value address_of_weigh(value unit)
{
  (void)unit;
  return caml_copy_nativeint((intnat)&weigh);
}
