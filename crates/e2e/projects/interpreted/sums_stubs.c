/* A stub that calls back: the runtime's own loop is entered twice. */
#include <caml/alloc.h>
#include <caml/callback.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

CAMLprim value sums_fold(value f, value start, value array)
{
  CAMLparam2(f, array);
  CAMLlocal1(sum);
  sum = start;
  for (mlsize_t i = 0; i < Wosize_val(array); i++) sum = caml_callback2(f, sum, Field(array, i));
  CAMLreturn(sum);
}
