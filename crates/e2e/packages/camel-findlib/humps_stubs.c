#include <caml/mlvalues.h>

value camel_total(value humps) {
  intnat total = 0;
  for (mlsize_t i = 0; i < Wosize_val(humps); i++) total += Long_val(Field(humps, i));
  return Val_long(total);
}
