#include <caml/mlvalues.h>
#include <water.h>

value camel_water_litres(value humps) { return Val_int(water_litres(Int_val(humps))); }
