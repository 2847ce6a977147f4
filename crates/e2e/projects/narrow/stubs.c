/* One value of each width across the boundary: 64-bit ones are passed in pairs of registers on 32-bit machines. */
#include <stdint.h>
#include <caml/alloc.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

CAMLprim value narrow_mix(value a, value b, value c, value d)
{
  CAMLparam4(a, b, c, d);
  CAMLreturn(caml_copy_double(Int32_val(a) + (double) Int64_val(b) * Double_val(c) - Nativeint_val(d)));
}

double narrow_unboxed(int32_t a, int64_t b, double c, intnat d) { return a + (double) b * c - d; }

CAMLprim value narrow_boxed(value a, value b, value c, value d) { return narrow_mix(a, b, c, d); }
