#include <caml/mlvalues.h>

#include "weight.h"

value camel_heavier(value load) { return Val_long(heavier(Long_val(load))); }
